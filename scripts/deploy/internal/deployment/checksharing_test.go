package deployment

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/archive"
	settings "kyc-ocr-relay/internal/config"
)

func TestCheckTellsThatNoTimerRenews(t *testing.T) {
	running := &trigger{timerName, `{"cron":"` + cron + `"}`, true}
	for what, test := range map[string]struct {
		kind   archive.Kind
		scopes []settings.Scope
		found  *state
		says   string
	}{
		"ours":             {archive.Event, nil, &state{timer: running}, "ok    timer"},
		"none":             {archive.Event, nil, &state{}, "warn  timer        there is none"},
		"off":              {archive.Event, nil, &state{timer: &trigger{timerName, running.desc, false}}, "warn  timer        there is none"},
		"somebody else's":  {archive.Event, nil, &state{others: []string{"timer trigger other on $DEFAULT"}}, "ok    timer        left"},
		"Web":              {archive.Web, nil, &state{}, "warn  timer        no timer calls a Web function"},
		"checks alone":     {archive.Event, []settings.Scope{settings.Check}, &state{}, "warn  timer"},
		"no client flows":  {archive.Event, []settings.Scope{settings.OCR}, &state{}, ""},
		"not deployed yet": {archive.Event, nil, nil, ""},
	} {
		var out strings.Builder
		k := &checking{Check: Check{Kind: test.kind, Out: &out}, config: &settings.Config{Callers: []settings.Caller{{Name: "shop", Scopes: test.scopes}}}, found: test.found}
		k.timer(t.Context())
		if got := out.String(); !strings.HasPrefix(got, test.says) || test.says == "" && got != "" || k.failed > 0 {
			t.Errorf("%s: %q", what, got)
		}
	}
}

// The check asks the function who has fetched what.
func TestCheckTellsWhatIsLent(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status":"ok","store":"redis","apps":[],"lent":[{"caller":"php","app_id":"IDA1","kind":"sign","ago":35,"age":120}]}`))
	}))
	defer server.Close()
	var out strings.Builder
	k := &checking{
		Check: Check{Kind: archive.Web, Out: &out, Environment: Environment{Values: map[string]string{}}},
		config: &settings.Config{Callers: []settings.Caller{
			{Name: "php", Scopes: []settings.Scope{settings.Ticket}}, {Name: "java", Scopes: []settings.Scope{settings.Ticket}}, {Name: "shop"},
		}},
		client: &Client{}, serves: "1", url: server.URL,
	}
	k.functionURL(t.Context())
	for _, want := range []string{"ok    lent         a SIGN ticket of app IDA1 to php, 35s ago", "warn  lent         nothing to java"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "shop") || k.failed > 0 {
		t.Errorf("it says\n%s", &out)
	}
}
