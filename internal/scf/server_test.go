package scf

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServerLogTellsNoPanicValue(t *testing.T) {
	var logged bytes.Buffer
	log := serverLog{slog.New(slog.NewJSONHandler(&logged, nil))}
	for text, want := range map[string]string{
		"http: panic serving 127.0.0.1:1: canary\ngoroutine 7:\ncanary\n": "a handler panicked",
		"http: Accept error: too many open files; retrying in 5ms\n":      "http: Accept error: too many open files; retrying in 5ms",
	} {
		logged.Reset()
		if n, err := log.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
		if line := logged.String(); strings.Count(line, "\n") != 1 || !strings.Contains(line, `"detail":"`+want+`"`) || strings.Contains(line, "canary") {
			t.Errorf("logged %s", line)
		}
	}
}
