package deployment

import (
	"cmp"
	"context"

	"kyc-ocr-relay/internal/archive"
)

func (p *Plan) planTriggers() {
	switch s := p.state; {
	case s.url == nil && p.loggedURL():
		p.leave("no Function URL: the platform logs what an event function answers, card numbers and photos among it. For HTTP deploy -kind web; -event-url makes one all the same")
	case s.url == nil && p.openToAll():
		p.leave("no Function URL: with CALLER_AUTH=none everybody who finds it could ask for personal data. -open makes one all the same")
	case s.url == nil:
		p.add("+", "the Function URL, open to the internet"+p.checked(),
			func(ctx context.Context, r *run) error { return r.createURL(ctx) })
	case s.url.open() == "":
		p.leave("the Function URL, which is not open to everybody (%s): left as somebody configured it", cmp.Or(s.url.address().AuthType, "disabled"))
	default:
		p.leave("the Function URL %s", s.url.open())
	}
	if p.kind == archive.Event {
		switch s := p.state; {
		case s.timer == nil:
			p.add("+", "the timer renew, every 5 minutes: token and ticket are renewed while nobody waits",
				func(ctx context.Context, r *run) error { return r.createTimer(ctx) })
		case !s.timer.fires():
			p.add("~", "the timer renew: on, every 5 minutes",
				func(ctx context.Context, r *run) error { return r.updateTimer(ctx) })
		default:
			p.leave("the timer renew, every 5 minutes")
		}
	}
	for _, other := range p.state.others {
		p.leave("%s: not ours", other)
	}
	if p.state.url != nil && p.state.url.open() != "" && p.loggedURL() {
		p.note("%s", loggedURL)
	}
	if p.config.Environment.Values["CALLER_AUTH"] == "none" && (p.state.url != nil || !p.openToAll() && !p.loggedURL()) {
		p.note("CALLER_AUTH is none: everybody who finds the URL can ask")
	}
}

// loggedURL warns of a Function URL that -event-url does not ask for.
const loggedURL = "the event function has a Function URL: the platform logs what it answers there, card numbers and photos among it. " +
	"Serve HTTP with -kind web, and delete the trigger in the console; -event-url says that it is wanted"

// loggedURL reports whether a Function URL would have its answers logged, and is not wanted.
func (p *Plan) loggedURL() bool { return p.kind == archive.Event && !p.config.EventURL }

func (p *Plan) checked() string {
	if p.config.Environment.Values["CALLER_AUTH"] == "none" {
		return " and to everybody who finds it"
	}
	return ": the function checks its callers' tokens"
}

// openToAll reports whether everybody could ask at a Function URL, and that is not wanted.
func (p *Plan) openToAll() bool {
	return p.config.Environment.Values["CALLER_AUTH"] == "none" && !p.config.Open
}
