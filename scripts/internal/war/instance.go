package war

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/pause"
)

// token is the one that the relay wants from its callers.
const token = "war-token-0123456789" // #nosec G101 -- of a relay that lives for minutes, on this machine

// function is either kind of function in the local runtime.
type function interface {
	http.Handler
	Process() *os.Process
	Close() error
}

// instanceOf is an instance of a fleet: a place where one process after the other serves.
type instanceOf struct {
	fleet  *fleet
	number int
	joins  int           // the round in which it is asked for the first time
	rounds chan struct{} // it is to be asked

	mu       sync.Mutex // held while it is asked
	function function   // nil: none yet, or killed
	frozen   bool
	asked    int
}

// serve asks whenever it is told to, until ctx ends.
func (i *instanceOf) serve(ctx context.Context) {
	for {
		select {
		case <-i.rounds:
		case <-ctx.Done():
			return
		}
		if i.fleet.setting.Spread {
			pause.For(ctx, rand.N(i.fleet.setting.Pause)) // #nosec G404 -- spreads the load
		}
		i.ask(ctx)
	}
}

// ask asks once, and starts a process first where there is none.
func (i *instanceOf) ask(ctx context.Context) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.frozen || ctx.Err() != nil {
		return
	}
	if i.function == nil {
		f, err := i.fleet.start(i.number)
		if err != nil {
			i.tell(i.fleet.now(), "not started", 0)
			return
		}
		i.function = f
		i.state("up")
	}
	i.asked++
	at := i.fleet.now()
	why := i.query(ctx, fmt.Sprintf("war%dx%d", i.number, i.asked))
	if ctx.Err() == nil {
		i.tell(at, why, i.fleet.upstream.used(i.number))
	}
}

func (i *instanceOf) tell(at int64, why string, pair int) {
	i.fleet.counts.query(why == "")
	i.fleet.stream.send(Event{Kind: Query, At: at, Instance: i.number, OK: why == "", Why: why, Pair: pair})
}

// query returns why there was no result: the code of the answer; "" if there was one.
func (i *instanceOf) query(ctx context.Context, order string) string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "/ocr/bankcard/"+order, http.NoBody)
	if err != nil {
		return err.Error()
	}
	request.RemoteAddr = "127.0.0.1:1"
	request.Header.Set("Authorization", "Bearer "+token)
	var a answer
	i.function.ServeHTTP(&a, request)
	var result struct{ Code any }
	if err := json.Unmarshal(bytes.TrimSpace(a.body.Bytes()), &result); err != nil || result.Code == nil {
		return fmt.Sprintf("status %d", a.status)
	}
	if code := fmt.Sprint(result.Code); code != "0" {
		return code
	}
	return ""
}

// freeze stops the process between two queries, or has it go on.
func (i *instanceOf) freeze(frozen bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.function == nil || i.frozen == frozen {
		return nil
	}
	if err := stop(i.function.Process(), frozen); err != nil {
		return err
	}
	i.frozen = frozen
	if frozen {
		i.state("frozen")
	} else {
		i.state("up")
	}
	return nil
}

// kill ends the process. The next query starts another.
func (i *instanceOf) kill() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.function != nil {
		_ = i.function.Close() // always nil
		i.function, i.frozen = nil, false
		i.state("killed")
	}
}

func (i *instanceOf) state(name string) {
	i.fleet.stream.send(Event{Kind: State, At: i.fleet.now(), Instance: i.number, State: name})
}

// start starts a process of the fleet's policy.
func (f *fleet) start(instance int) (function, error) {
	c := gateway.Config{
		EnvAtStart: true,
		Shape:      gateway.APIGateway,
		TimeLimit:  2 * patience,
		Env: map[string]string{
			"KYC_APP_ID":     appID,
			"KYC_SECRET":     secret,
			"KYC_BASE_URL":   f.urls[instance],
			"TICKET_REFRESH": refresh.String(),
			"TICKET_OVERLAP": overlap.String(),
			"TICKET_STORE":   "redis://" + f.address,
			"CALLER_TOKENS":  "war:" + token,
			"LOG_LEVEL":      "error",
		},
	}
	switch f.setting.Policy {
	case Own:
		c.Binary = f.programs.Own
		return gateway.StartEvent(f.ctx, c)
	case Naive:
		c.Binary = f.programs.Naive
	default:
		c.Binary = f.programs.Relay
	}
	return gateway.StartWeb(f.ctx, c)
}
