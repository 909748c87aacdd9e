package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kyc-ocr-relay/internal/order"
)

// ErrGone says that all was done that could be, but that the order's mark names a
// webhook that is not configured any more, and that no other has taken its place. The
// mark stays: it delivers the order when the webhook is back.
var ErrGone = errors.New("a webhook that was not told is no longer in DELIVER_TO: put it back, or delete the mark if nobody is to be told")

// Pending is an order of which something is missing.
type Pending struct {
	sinks *Sinks
	order order.Order
	at    []state  // by archive
	told  []string // the tags of the webhooks that have been told
	fresh []string // the tags of those that no mark knows
	gone  []string // the tags that marks name, of webhooks that are not configured
	doubt error    // a mark cannot be read: somebody may not have been told
}

// state is what is known of an order in one archive.
type state struct {
	has     bool  // the result
	mark    *mark // nil: there is none, or it cannot be read
	unread  bool  // it cannot be read
	refused bool  // it has just failed to write
}

// Check finds out what is missing of an order: nil where nothing is.
//
// A webhook cannot be asked what it got. Where there are archives, marks in them say who
// has been told; without one, webhooks are told again for every event, under the same
// webhook-id. Each archive has a mark of its own, so that any of them may be taken away,
// or come to be the first.
func (s *Sinks) Check(ctx context.Context, o order.Order) (*Pending, error) {
	p := &Pending{sinks: s, order: o, at: make([]state, len(s.archives))}
	if len(s.archives) == 0 {
		return p, nil
	}
	var unread error
	marked := false
	for i, a := range s.archives {
		has, err := a.has(ctx, documentKey(o))
		p.at[i].has = has && err == nil // one that cannot say is given it again
		if p.at[i].mark, err = readMark(ctx, a, o); err != nil {
			p.at[i].unread, unread = true, fmt.Errorf("look for a mark: %w", err)
		}
		marked = marked || p.at[i].mark != nil
	}
	switch {
	case !marked && !p.at[0].has: // all are told, whatever a mark may say that cannot be read
	case !marked && unread == nil:
		p.told = s.tags()
	default:
		p.doubt = unread
		p.heed()
	}
	if p.Archived() && !marked {
		return nil, unread
	}
	return p, nil
}

// heed takes from the marks who has been told, and who else was to be.
func (p *Pending) heed() {
	configured := p.sinks.tags()
	var named []string
	for _, at := range p.at {
		if at.mark != nil {
			p.told = append(p.told, at.mark.told(configured)...)
			named = append(named, at.mark.Webhooks...)
		}
	}
	p.fresh = without(without(configured, named), p.told)
	p.gone = without(without(named, configured), p.told)
}

// Archived reports whether there are archives that all have the result: then Tell is
// enough, and the upstream need not be asked.
func (p *Pending) Archived() bool {
	return len(p.at) > 0 && !slices.ContainsFunc(p.at, func(at state) bool { return !at.has })
}

// Tell tells the webhooks that have not been told, from what the archive holds.
func (p *Pending) Tell(ctx context.Context) error {
	document, err := p.sinks.archives[0].read(ctx, documentKey(p.order))
	if err != nil {
		return fmt.Errorf("read the result: %w", err)
	}
	return p.finish(ctx, document, nil)
}

// Deliver gives the result to those who miss it. One that fails does not keep the
// others from getting it; the error names each.
func (p *Pending) Deliver(ctx context.Context, packed *Packed) error {
	var errs []error
	for i, a := range p.sinks.archives {
		at := &p.at[i]
		if at.has {
			continue
		}
		// The mark comes before the result: who finds a result without one need not look
		// for webhooks that were not told.
		if len(p.untold())+len(p.gone) > 0 || p.doubt != nil {
			if err := p.noteIn(ctx, i); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		if err := put(ctx, a, p.order, packed); err != nil {
			// Another instance may have been quicker: it got in the way, but did the work.
			if done, _ := a.has(ctx, documentKey(p.order)); !done {
				at.refused = true
				errs = append(errs, err)
				continue
			}
		}
		at.has = true
	}
	return p.finish(ctx, packed.document, errs)
}

// Postpone notes that the order is still to be delivered.
func (p *Pending) Postpone(ctx context.Context) error { return p.note(ctx) }

// SetAside keeps an order that is not to be tried again by itself, so that people can
// replay it: by its mark or, where no archive keeps marks, by the message in r, which
// the webhooks are told of.
func (p *Pending) SetAside(ctx context.Context, r Rejection) error {
	if len(p.sinks.archives) == 0 {
		return p.sinks.Reject(ctx, r)
	}
	return p.note(ctx)
}

// put writes the photos, and when all are there the document.
func put(ctx context.Context, a archive, o order.Order, packed *Packed) error {
	for _, photo := range packed.Photos {
		if err := a.write(ctx, o.String()+"/"+photo.file(), photo.blob()); err != nil {
			return fmt.Errorf("write %s: %w", photo.file(), err)
		}
	}
	if err := a.write(ctx, documentKey(o), jsonBlob(packed.document)); err != nil {
		return fmt.Errorf("write result.json: %w", err)
	}
	return nil
}

// finish tells the webhooks and brings the marks up to date: they go when nobody is
// left. It returns errs joined with the new ones.
func (p *Pending) finish(ctx context.Context, document []byte, errs []error) error {
	payload := delivered(p.order, document)
	for _, h := range p.untold() {
		if err := h.post(ctx, payload); err != nil {
			errs = append(errs, err)
			continue
		}
		p.told = append(p.told, h.tag)
		if len(p.gone) > 0 && slices.Contains(p.fresh, h.tag) {
			p.gone = p.gone[1:] // h has taken the place of one, no matter whose
		}
	}
	if p.doubt != nil {
		errs = append(errs, p.doubt)
	}
	if len(errs) == 0 && len(p.gone) == 0 {
		return together(p.unmark(ctx))
	}
	if err := p.note(ctx); err != nil {
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		return fmt.Errorf("%w (%s)", ErrGone, strings.Join(p.gone, ", "))
	}
	return together(errs)
}

// untold returns the webhooks that have not been told.
func (p *Pending) untold() (list []*webhook) {
	for _, h := range p.sinks.hooks {
		if !slices.Contains(p.told, h.tag) {
			list = append(list, h)
		}
	}
	return list
}

// note brings the marks up to date: in the first archive, whose marks people look
// through, and in every other that has not just refused a write.
func (p *Pending) note(ctx context.Context) error {
	var errs []error
	for i, at := range p.at {
		if i == 0 || !at.refused {
			errs = append(errs, p.noteIn(ctx, i))
		}
	}
	return together(errs)
}

// noteIn writes the mark to an archive, unless it is there already. One that could not be
// read is left alone where it may name somebody.
func (p *Pending) noteIn(ctx context.Context, i int) error {
	at := &p.at[i]
	m := &mark{Action: "deliver", Type: p.order.Type, OrderNo: p.order.No, AppID: p.order.AppID}
	m.Told = without(p.told, nil)
	names := p.sinks.tags()
	if len(p.gone) > 0 {
		names = append(without(names, p.fresh), p.gone...) // a fresh one is to take a place that is named
	}
	m.Webhooks = without(names, p.told)
	if m.equal(at.mark) || at.unread && p.doubt != nil {
		return nil
	}
	if err := writeMark(ctx, p.sinks.archives[i], p.order, m); err != nil {
		at.refused = true
		return fmt.Errorf("write the mark: %w", err)
	}
	at.mark = m
	return nil
}

// unmark removes the marks.
func (p *Pending) unmark(ctx context.Context) (errs []error) {
	for i := range p.at {
		if p.at[i].mark == nil {
			continue
		}
		if err := p.sinks.archives[i].remove(ctx, markKey(p.order)); err != nil {
			errs = append(errs, fmt.Errorf("remove the mark: %w", err))
			continue
		}
		p.at[i].mark = nil
	}
	return errs
}
