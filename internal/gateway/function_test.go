package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction"
	"github.com/tencentyun/scf-go-lib/functioncontext"
	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/gateway"
)

// roleVar tells the test binary, run as a function, to be something else than the event function.
const roleVar = "GATEWAY_TEST_ROLE"

// atStart is what the process environment held before any invocation.
var atStart = os.Getenv("SETTING")

// TestMain lets the test binary be the function that the tests start.
func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVar); {
	case role == "exit":
		os.Exit(7)
	case role == "web":
		serveWeb()
	case role == "parent":
		orphan()
	case os.Getenv("_LAMBDA_SERVER_PORT") != "":
		cloudfunction.StartHandler(&function{})
	default:
		goleak.VerifyTestMain(m)
	}
}

// orphan starts a function that shares its stdout, and ends without closing it.
func orphan() {
	_, err := gateway.StartEvent(context.Background(), gateway.Config{Binary: os.Args[0], Log: os.Stdout})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("started")
	os.Exit(0)
}

// function does what the last element of the event's path says, or its "do".
type function struct {
	running atomic.Int32
	calls   int
}

func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	now := f.running.Add(1)
	defer f.running.Add(-1)
	f.calls++
	var event struct{ Do, Path, Body string }
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	do := event.Do
	if do == "" {
		do = event.Path[strings.LastIndex(event.Path, "/")+1:]
	}
	switch do {
	case "error":
		return nil, errors.New("nothing works")
	case "panic":
		panic("all is lost")
	case "exit":
		os.Exit(3)
	case "block":
		fmt.Println("blocked")
		<-make(chan struct{})
	case "overlap":
		time.Sleep(2 * time.Millisecond) // the work during which another call would be seen
		return json.Marshal(now)
	case "calls":
		return json.Marshal(f.calls)
	case "large":
		return json.Marshal(strings.Repeat("x", gateway.MaxPayload-1)) // and two quotes
	case "full":
		return json.Marshal(strings.Repeat("x", gateway.MaxPayload-2))
	case "return":
		return []byte(event.Body), nil
	case "context":
		deadline, _ := ctx.Deadline()
		fc, _ := functioncontext.FromContext(ctx)
		return json.Marshal(seen{
			RequestID: fc.RequestID, Limit: fc.TimeLimitInMs, Deadline: deadline, Expired: ctx.Err() != nil,
			AtStart: atStart, Setting: os.Getenv("SETTING"), Inherited: os.Getenv("GATEWAY_TEST_PARENT"),
			Path: os.Getenv("PATH") != "",
		})
	}
	return payload, nil
}

// seen is what the function sees of its surroundings.
type seen struct {
	RequestID                   string
	Limit                       int32
	Deadline                    time.Time
	Expired                     bool
	AtStart, Setting, Inherited string
	Path                        bool
}

// serveWeb is the Web function.
func serveWeb() {
	http.HandleFunc("/echo/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Header().Set("X-Scf-Request-Id", "mine")
		w.Header().Set("X-Request-Id", "kept")
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.WriteHeader(http.StatusTeapot)
		json.NewEncoder(w).Encode(webSeen{
			Method: r.Method, URI: r.RequestURI, Host: r.Host, Header: r.Header, Body: string(body),
			Setting: os.Getenv("SETTING"), Inherited: os.Getenv("GATEWAY_TEST_PARENT"),
		})
	})
	http.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(gateway.MaxPayload+1))
		w.Write(make([]byte, gateway.MaxPayload+1))
	})
	http.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			w.Write(make([]byte, 64*1024))
		}
	})
	http.HandleFunc("/block", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	http.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

// webSeen is what the Web function sees of a request.
type webSeen struct {
	Method, URI, Host, Body, Setting, Inherited string
	Header                                      http.Header
}
