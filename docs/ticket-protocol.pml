/*
 * The ticket protocol as a Promela model, checked by protocol_model_test.go: three
 * instances, and in the same run, at every point of it, one crash, one freeze, one loss
 * of the store and one foreign mint. In another run, with -DREFUSE, two instances, all of
 * these faults, and a store that takes no writes from some moment to some other: without
 * the store the instances mint as often as time lets them, so that with three the states
 * are too many. explore_test.go drives the real code, but through no more than two faults;
 * this is a copy, but it has them all.
 *
 * WHAT IS WHAT
 *   look()          fly's round: load, reconcile, settle (flight.go, reconcile.go, record.go)
 *   decide()        Schedule.decide and fly's switch
 *   lock(), take    renew: the Swap that takes the lease (mint.go)
 *   ask(), asking_  mint: a pending token, errFrozen, Issuer.Token
 *   publish         mint: Issuer.Ticket; renew: the Swap that publishes, installSolo
 *   release         note, settle, and renew's Swap that releases the lease
 *   offer           publish: the Swap of a pair that the store has not (reconcile.go)
 *   again           fly's next round after the store took no lease: an error is no conflict
 *   load            a Load that waits: the instance is frozen. Its answer is late, and it
 *                   is repeated, or it has none: alone (mint.go)
 *   idle            no flight. get and reject begin one: app.go, join (flight.go)
 * Between two steps anything may happen elsewhere. Code between two calls is no step of
 * its own: it touches nothing that is shared; the clock that it reads is dealt with below.
 *
 * TIME is not in it. Whatever the code asks a clock may be answered either way, each time
 * that it is asked: is the pair due or expired, is the token pending for less than an
 * overlap, is the superseded pair still accepted, has a lease ended. So every run of the
 * real protocol, with whatever overlap and refresh, is one of this model, and what holds
 * in all of this model's states holds in all of the protocol's. There are four
 * exceptions, which the code guarantees:
 *   - A lease does not end while its holder is at work and was not frozen: the calls are
 *     cut off before (Schedule.work, storeCall). A frozen one's, and that of one who is
 *     gone, may end at any moment.
 *   - Only the first pair becomes due: a run is shorter than a refresh.
 *   - A pair's end comes only for the reasons that the code has: it is the first one
 *     (whose life may be over), or a newer token is pending.
 *   - At rest so much time has passed that all that can end has ended.
 * Waiting is left out as well (again, backoff, sleep, view.look, failure): an instance may
 * look at the store whenever it likes, and looking when the code would wait is more than
 * the code does. So are the ceiling and Futile, which only make fewer mints; that a mark
 * can make others' Swaps fail is the step "futile".
 *
 * NUMBERS would have no end. Of versions it matters who knows the newest: current[i]. A
 * Swap is done if current[i], and then nobody else is; a lost store comes back in a new
 * incarnation, of which nobody knows a version. Tokens are named in the order in which
 * they were asked for, which is that of the generations (Pair.Generation: the moment of
 * the asking, and clocks are right here). A name that nobody holds is given up, and those
 * above it move down (tidy). Of mints it matters how many more are allowed.
 *
 * SYMMETRY: instances are alike, so the one that crashes is 0, the one that freezes is 0
 * or 1, and neither has to.
 *
 * A FREEZE begins before any call, or after it, before the code goes on. slow[i] says that
 * it took place in this flight: until its end the instance may stop for as long as it likes
 * at every further step, and each of its calls may have run out of time, done or not.
 *
 * NOT IN IT: wrong clocks and those that go back (explore_test.go has them), the count of
 * forced mints, a store that fails without a
 * freeze, an upstream that fails, a rejection that is not the pair's fault, a call that
 * has its effect after its caller crashed, a second renewal.
 *
 * INVARIANTS are assertions, and the last two formulas, marked I1 to I10.
 *
 * MUTANTS show that they can fail. Each of these, as -D, breaks one: NO_VERSION_CHECK,
 * NO_SECOND_LOOK, LEASE_IGNORED, VERSIONS_REPEAT, REJECT_WITHOUT_LOOK, ADOPTS_OLDER,
 * ASKS_LATE, NO_SETTLE, FORGETS_END, LEASE_FOREVER, with REFUSE ERROR_AS_CONFLICT; and so does each of the four numbers
 * below, made smaller by one.
 */

/* How many mints a fault forces: see forced in explore_checks_test.go. */
#ifndef CRASH
#define CRASH 1
#endif
#ifndef FREEZE
#define FREEZE 2
#endif
#ifndef LOSE
#define LOSE 2
#endif
#ifndef FOREIGN
#define FOREIGN 1
#endif

/* The upstream. */
byte names = 1;   /* the newest name; 0 is none */
byte newest = 1;  /* the newest token; 0: one that no instance holds */
byte allowed = 1; /* mints from here on: at first, the renewal */

/* The record. */
byte pair;    /* by its token */
bit ends;     /* pair.Expires is no longer that of its birth: a newer token is, or was, pending */
byte pending;
byte holder;  /* of the lease: an instance + 1, in this flight; 0: none, or one that landed */
bit lease;    /* in force */

/* The instances. */
byte view[3];   /* app.view: the pair */
bit ending[3];  /* its Expires, like ends */
bit told[3];    /* it was told so, by a record or by its own token: not in the code */
bit current[3]; /* its flight knows the newest version */
bit busy[3];    /* it has a flight */
bit slow[3];    /* which was frozen */
bit asking[3];  /* which waits for its token */
byte token[3];  /* which it has asked for, or taken up */
byte kept[3];   /* record.Pending as the flight has it */

bit crashed, frozen, lost, foreign;
bit refuses, refusing; /* the store takes no writes, at some time and now */

bit rest; /* no more faults, and long after the last one */

bit refused, leased, unpublished; /* what look() found, for decide() */
hidden byte t; /* only within a d_step */

#define any(a) (a[0] || a[1] || a[2])
#define has(a, x) (a[0] == x || a[1] == x || a[2] == x)
#define named(x) (x == pair || x == pending || has(view, x) || has(token, x) || has(kept, x))
#define lower(x) x = x - (x > t)
#define lowers(a) lower(a[0]); lower(a[1]); lower(a[2])

/* accepts: for certain. What is superseded may be accepted for an overlap. */
#define accepts(x) (x == newest)

/* A Swap on the version that the flight knows. */
#if defined(NO_VERSION_CHECK)
#define swaps true
#elif defined(VERSIONS_REPEAT)
bit was[3]; /* its version was the newest when the store was lost */
#define swaps (current[me] || was[me] && (pair != 0 || holder != 0))
#else
#define swaps (current[me] && !refusing)
#endif
#ifdef NO_SECOND_LOOK
#define takes (!lease)
#else
#define takes swaps
#endif

/* The pair serves; it does not. Where both are possible the clock tells. */
#define serves (view[me] != 0 && !refused && !(rest && (ending[me] || view[me] == 1)))
#define doesNot (view[me] == 0 || refused || ending[me] || view[me] == 1)

/* At rest an instance looks at the store only if it has reason to. */
#define wants (view[me] == 0 || ending[me] || !accepts(view[me]))
#define mayWant (wants || view[me] > pair || view[me] == 1)

/* tidy gives up names that nobody holds. 1 stays: it alone can be due. */
inline tidy() {
	t = names;
	do
	:: t > 0 ->
		if :: !named(t) && newest == t -> newest = 0 :: else fi;
		if
		:: !named(t) && t > 1 ->
			names--; lower(newest); lower(pair); lower(pending);
			lowers(view); lowers(token); lowers(kept)
		:: else
		fi;
		t--
	:: else -> break
	od;
	t = 0
}

inline forgetVersions() { current[0] = 0; current[1] = 0; current[2] = 0 }

/* write is a Swap that was done, of the record as this flight has it. */
inline write() {
	assert(pair == 0 || view[me] >= pair); /* I1: the generation in the store only grows */
	pair = view[me]; ends = ending[me]; pending = kept[me];
	forgetVersions(); current[me] = 1
}

/* adopt is Cache.show. */
inline adopt(x) {
	assert(x >= view[me]); /* I2: no instance goes back to an older pair than it has seen */
	if :: x != view[me] -> ending[me] = 0; told[me] = 0 :: else fi;
	view[me] = x
}

/* settle: a newer token than the pair is out, and this instance knows of it. */
inline settle() {
	told[me] = view[me] != 0;
#ifndef NO_SETTLE
	ending[me] = view[me] != 0
#endif
}

/* The store knows no pair, or an older one than this instance. */
#ifdef ADOPTS_OLDER
#define unknown (pair == 0)
#else
#define unknown (pair == 0 || view[me] > pair)
#endif

/* look. A pair that the instance has already keeps the end that it knows of. */
inline look() {
	busy[me] = 1; current[me] = 1; kept[me] = 0;
	if
	:: view[me] != 0 && unknown -> unpublished = 1
	:: else ->
		kept[me] = pending;
		if
		:: pair != 0 ->
			refused = refused && pair == view[me];
			adopt(pair);
#ifdef FORGETS_END
			ending[me] = ends; /* the record's, though this instance knows better */
#endif
			if :: ends || pending != 0 -> settle() :: else fi
		:: else
		fi
	fi;
	leased = lease && holder != me + 1;
#ifdef LEASE_IGNORED
	leased = 0
#endif
}

inline heard() { refused = 0; leased = 0; unpublished = 0 }

/* land ends a flight. What it knew is gone, and its lease is that of nobody. */
inline land() {
	if :: holder == me + 1 -> holder = 0 :: else fi;
	busy[me] = 0; slow[me] = 0; current[me] = 0; asking[me] = 0;
	token[me] = 0; kept[me] = 0; alone = 0; rejected = 0; error = 0;
#ifdef VERSIONS_REPEAT
	was[me] = 0;
#endif
	heard(); tidy();
	/* I3: no instance signs with a pair past its hard expiry, as far as it knows. That
	   Pair.State goes by the expiry is plain; it also has to be that which was told. */
	assert(!told[me] || ending[me])
}
#define LAND d_step { land() } goto idle

/* reject: the pair may have been rejected before this flight. */
inline reject() {
	if
	:: !(rest && view[me] != 0 && !accepts(view[me])) -> refused = 0
	:: view[me] != 0 && !accepts(view[me]) -> refused = 1
	fi
}

#ifdef ASKS_LATE
#define mayAsk true
#else
/* Who had a lease when the store was lost does not know that it has none: it may ask. */
#define mayAsk (alone || (lost && holder != me + 1) || (lease && holder == me + 1))
#endif

#define FREEZES \
	d_step { me < 2 && !frozen && !rest -> frozen = 1; slow[me] = 1; allowed = allowed + FREEZE }

/* lock takes the lease, and so it is the Swap of renew. */
inline lock() {
	assert(!lease || holder == me + 1); /* I6: never two leases in force */
	write(); lease = 1; holder = me + 1; tidy()
}

/* What follows the lease, or the lack of a store. */
inline ask() {
	if
	:: kept[me] != 0 && !rest -> token[me] = kept[me]; goto publish
	:: mayAsk ->
		d_step {
			/* I4: nobody asks for a token after its lease ended, as far as it knows */
			assert(alone || lost || lease && holder == me + 1);
			/* I5: one token call at a time, unless one was frozen or the store was lost */
			assert(frozen || lost || refuses || !any(asking));
			kept[me] = 0; tidy();
			names++; token[me] = names; asking[me] = 1
		}
		goto asking_
	:: !alone && !(lease && holder == me + 1) -> LAND /* errFrozen */
	fi
}

/* decide. Between a Load and its Swap only the frozen stop. For the others they are one
   step: a Swap is done only if nothing was written since the Load, so that might as well
   have come right before it; one that is not done is a look that led to nothing. */
inline decide() {
	if
	:: serves ->
		if
		:: unpublished && !leased ->
			heard();
			if
			:: FREEZES -> goto offer
			:: slow[me] -> goto offer
			:: !slow[me] && !refusing -> d_step { write(); lease = 0; holder = 0 } LAND
			:: !rest || refusing -> LAND
			fi
		:: else -> LAND
		fi
	:: doesNot ->
		if
		:: leased -> LAND /* later, wait */
		:: else ->
			d_step { rejected = refused && refusing; heard(); tidy() }
			if
			:: FREEZES -> rejected = 0; goto take
			:: slow[me] -> rejected = 0; goto take
			:: !slow[me] && !refusing -> d_step { lock() } ask()
			:: !slow[me] && refusing -> goto again /* an error */
			:: !rest -> LAND
			fi
		fi
	fi
}

#define CRASHES \
	atomic { \
		d_step { \
			me == 0 && !crashed && !rest -> crashed = 1; allowed = allowed + CRASH; \
			view[0] = 0; ending[0] = 0; told[0] = 0; land() \
		} \
		goto gone \
	}
#define FAULTS(here) \
	:: atomic { FREEZES; goto here } \
	:: CRASHES

proctype Instance(byte me) {
	bit alone;    /* without the store */
	bit rejected; /* the pair was, before this flight waited for its Load */
	bit error;    /* the store took no lease in this flight */
idle:
end:
	if
	:: atomic {
		!rest || mayWant -> reject();
#ifdef REJECT_WITHOUT_LOOK
		if
		:: refused -> busy[me] = 1; alone = 1; heard(); ask()
		:: else
		fi;
#endif
		if
		:: FREEZES -> busy[me] = 1; rejected = refused; heard(); goto load
		:: true
		fi;
		d_step { look() } decide()
	}
	:: CRASHES
	fi;
load: /* here only the frozen stop, */
	if
	:: atomic { d_step { refused = rejected; rejected = 0; look() } decide() }
	:: atomic {
		refused = rejected; rejected = 0; kept[me] = 0; current[me] = 0;
		if
		:: serves -> LAND
		:: doesNot -> alone = 1; heard(); ask()
		fi
	}
	:: atomic { LAND } /* the flight's time is over */
	:: CRASHES
	fi;
again: /* after the first error it looks again, after the second it does without the store */
	if
#ifdef ERROR_AS_CONFLICT
	:: atomic { d_step { refused = rejected; rejected = 0; look() } decide() }
#else
	:: atomic { !error -> error = 1; d_step { refused = rejected; rejected = 0; look() } decide() }
	:: atomic {
		error -> refused = rejected; rejected = 0; kept[me] = 0; current[me] = 0;
		if
		:: view[me] != 0 && !refused -> LAND
		:: doesNot -> alone = 1; heard(); ask()
		fi
	}
#endif
	:: CRASHES
	fi;
take: /* and here, */
	if
	:: atomic {
		d_step { takes -> lock() }
		if
		:: goto held
		:: reject(); rejected = refused; heard(); goto load /* its answer is lost */
		fi
	}
	:: atomic { !takes -> LAND }
	:: atomic { reject(); rejected = refused; heard(); goto load }
	:: CRASHES
	fi;
held: /* after a freeze: otherwise asking follows at once */
	if
	:: atomic { ask() }
	:: CRASHES
	fi;
asking_:
	if
	:: atomic {
		d_step {
			true ->
			/* I8: no more mints than the faults force; but how many that are without the
			   store, time tells */
			assert(allowed > 0 || refuses);
			allowed = allowed - (allowed > 0); newest = token[me]; asking[me] = 0
		}
		if
		:: goto publish
		:: slow[me] -> token[me] = 0; goto release
		fi
	}
	:: atomic { slow[me] -> asking[me] = 0; token[me] = 0; goto release }
	FAULTS(asking_)
	fi;
publish:
	if
	:: atomic {
		d_step {
			!alone && swaps ->
			assert(holder == me + 1); /* I7: a holder that lost its lease publishes nothing */
			assert(token[me] > pair); /* I1, and no mint goes over a newer one */
			pair = token[me]; ends = 0; pending = 0; lease = 0; holder = 0;
			forgetVersions(); adopt(token[me])
		}
		LAND
	}
	:: atomic { !alone && !swaps && !refusing -> LAND }
	:: atomic { alone || slow[me] || refusing -> d_step { adopt(token[me]) } LAND } /* installSolo */
	:: atomic { /* no ticket */
		d_step { !accepts(token[me]) || slow[me] -> kept[me] = token[me]; token[me] = 0; settle() }
		goto release
	}
	FAULTS(publish)
	fi;
release:
	if
	:: atomic { d_step { !alone && swaps -> write(); lease = 0; holder = 0 } LAND }
	:: atomic { alone || slow[me] || !swaps -> LAND }
	FAULTS(release)
	fi;
offer: /* and here */
	if
	:: atomic { d_step { swaps -> write(); lease = 0; holder = 0 } LAND }
	:: atomic { LAND }
	:: CRASHES
	fi;
gone:
	skip
}

#ifdef LEASE_FOREVER
#define mayEnd false
#else
#define mayEnd (holder == 0 || slow[holder - 1])
#endif

/* init is all the rest of the world. All instances are new; there is a pair, or none. */
init {
	atomic {
		if :: pair = 1 :: true fi;
		run Instance(0); run Instance(1);
#ifndef REFUSE
		run Instance(2)
#endif
	}
end:
	do
	:: d_step { lease && mayEnd -> lease = 0 }
	:: d_step { /* the store is lost */
		!lost && !rest -> lost = 1; allowed = allowed + LOSE;
		pair = 0; ends = 0; pending = 0; lease = 0; holder = 0;
#ifdef VERSIONS_REPEAT
		was[0] = current[0]; was[1] = current[1]; was[2] = current[2];
#endif
		forgetVersions(); tidy()
	}
#ifdef REFUSE
	:: d_step { !refuses && !rest -> refuses = 1; refusing = 1 }
	:: d_step { refusing -> refusing = 0 }
#endif
	:: d_step { !foreign && !rest -> foreign = 1; allowed = allowed + FOREIGN; newest = 0 }
	:: d_step { /* futile */
		pair > 1 && !accepts(pair) && !lease && !rest && any(current) -> forgetVersions()
	}
	:: d_step { /* rest */
		!rest && !any(busy) -> rest = 1; refusing = 0;
#ifndef LEASE_FOREVER
		lease = 0
#endif
	}
	od
}

/* I9: at rest every instance that lives comes to have a pair that the upstream accepts,
   for good. The schedule is fair: who can go on does so at some time. */
#define served(i) (view[i] != 0 && !ending[i] && accepts(view[i]))
#ifdef REFUSE
/* I10: a flight ends, also while the store takes no writes; one that was frozen may be for
   ever. */
ltl ends { [] (busy[1] -> <> (!busy[1] || slow[1])) }
#else
ltl rests { [] (rest -> <> [] ((crashed || served(0)) && served(1) && served(2))) }
#endif
