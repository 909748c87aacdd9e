package ticket_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

// process is what an instance runs in. Dead, it does nothing any more. Frozen, none of its calls goes
// on, whatever their contexts say, while all clocks do.
type process struct {
	ended context.Context // done when the test is over: then what waits for ever is released
	dead  context.Context // done when it is dead, or the test over
	kill  context.CancelFunc

	mu    sync.Mutex
	thaws time.Time
}

func newProcess(ended context.Context) *process {
	p := &process{ended: ended}
	p.dead, p.kill = context.WithCancel(ended)
	return p
}

func (p *process) isDead() bool { return p.dead.Err() != nil }

// freeze has it frozen from now on.
func (p *process) freeze(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thaws = time.Now().Add(d)
}

// frozenUntil is when it thaws, or has thawed.
func (p *process) frozenUntil() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.thaws
}

// pass is where each of its calls comes by, on the way or back. It blocks while the process is
// frozen; of one that is dead, until the test is over, and then returns an error.
func (p *process) pass() error {
	_ = sleep(p.ended, time.Until(p.frozenUntil()))
	if p.isDead() {
		<-p.ended.Done()
		return errors.New("dead, or the test is over")
	}
	return nil
}

// stalled is the way to the store and to the issuer of an instance that is frozen once, at one
// of its calls.
type stalled struct {
	*process
	ticket.Store
	ticket.Issuer
	at    stall
	takes time.Duration
	err   error // of that call
	swaps int
}

// stall is where an instance is frozen.
type stall string

const (
	afterLoad     stall = "before it has the answer of a Load"
	beforePublish stall = "right before it publishes what it minted"
	beforeTicket  stall = "at its call for a ticket"
)

// stalledStore is the way of a stalled instance to a store alone.
func stalledStore(store ticket.Store, at stall, takes time.Duration, err error) *stalled {
	return &stalled{process: newProcess(context.Background()), Store: store, at: at, takes: takes, err: err}
}

// come is where the instance comes by. It returns the error of the call that it is frozen in.
func (s *stalled) come(at stall) error {
	if s.at != at {
		return nil
	}
	s.at = ""
	s.freeze(s.takes)
	return errors.Join(s.pass(), s.err)
}

func (s *stalled) Load(ctx context.Context, app string) (ticket.Value, error) {
	v, err := s.Store.Load(ctx, app)
	return v, errors.Join(err, s.come(afterLoad))
}

func (s *stalled) Swap(ctx context.Context, app string, version uint64, data []byte) (bool, error) {
	if s.swaps++; s.swaps > 1 {
		if err := s.come(beforePublish); err != nil {
			return false, err
		}
	}
	return s.Store.Swap(ctx, app, version, data)
}

func (s *stalled) Ticket(ctx context.Context, token secret.Text) (secret.Credential, error) {
	if err := s.come(beforeTicket); err != nil {
		return secret.Credential{}, err
	}
	return s.Issuer.Ticket(ctx, token)
}
