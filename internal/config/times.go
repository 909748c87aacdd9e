package config

import "time"

// What the vendor's rules and the renewal's arithmetic leave for the times that can be set.
const (
	// ticketLife is that of a SIGN ticket (document 1007); a pair is renewed at two thirds of
	// it at the latest.
	ticketLife    = time.Hour
	latestRefresh = ticketLife * 2 / 3

	// longestOverlap is how long the vendor lets the previous pair live (document 1007).
	longestOverlap = time.Minute
	// shortestOverlap leaves a tenth of it, a second, for publishing a pair in the store.
	shortestOverlap = 10 * time.Second
	// callsInOverlap: a renewal has two fifths of the overlap for its two calls, so that
	// where it fails another still comes in time.
	callsInOverlap = 5
	// overlapsInRefresh: with fewer, half of the time a pair would be the previous one.
	overlapsInRefresh = 5
)

// checkTimes refuses times that cannot work. Against an upstream on this machine, a
// simulated one, all can be scaled down: no deployed function has such an upstream.
func checkTimes(p *problems, c Config) {
	if c.Timeout <= 0 || c.Refresh <= 0 || c.Overlap <= 0 {
		return // told already
	}
	if c.Refresh >= ticketLife {
		p.add("TICKET_REFRESH", "must be less than the ticket's life of 1h")
	}
	if c.Overlap >= c.Refresh {
		p.add("TICKET_OVERLAP", "must be less than TICKET_REFRESH")
	}
	if c.BaseURL == nil || isLoopback(c.BaseURL) {
		return
	}
	if c.Refresh > latestRefresh && c.Refresh < ticketLife {
		p.add("TICKET_REFRESH", "must be at most 40m: a pair is renewed at two thirds of the ticket's life of 1h at the latest")
	}
	if c.Overlap > longestOverlap {
		p.add("TICKET_OVERLAP", "must be at most 1m: by then the vendor has ended the previous pair")
	}
	if c.Overlap < shortestOverlap {
		p.add("TICKET_OVERLAP", "must be at least 10s: a new pair has to reach all instances while the previous one lives")
	}
	if c.Overlap < callsInOverlap*c.Timeout {
		p.add("TICKET_OVERLAP", "must be at least five times KYC_TIMEOUT: the two calls of a renewal have two fifths of it (at the most of 1m, KYC_TIMEOUT is 12s or less)")
	}
	if c.Refresh < overlapsInRefresh*c.Overlap && c.Overlap < c.Refresh {
		p.add("TICKET_REFRESH", "must be at least five times TICKET_OVERLAP: pairs would follow one another within the life of the previous one")
	}
}
