package delivery

import (
	"context"
	"fmt"
	"slices"
)

// Pending is an order of which something is missing.
type Pending struct {
	sinks *Sinks
	order Order
	has   []bool     // which archives have its result
	hooks []*webhook // who has not been told
	mark  *mark      // as it is in the first archive; nil: there is none
}

// Check finds out what is missing of an order: nil where nothing is.
//
// A webhook cannot be asked what it got. Where there is an archive, a mark in it says
// who has to be told still; without one, webhooks are told again for every event, under
// the same webhook-id.
func (s *Sinks) Check(ctx context.Context, o Order) (*Pending, error) {
	p := &Pending{sinks: s, order: o, hooks: s.hooks}
	if len(s.archives) == 0 {
		return p, nil
	}
	for _, a := range s.archives {
		has, err := a.has(ctx, o.documentKey())
		p.has = append(p.has, has && err == nil) // one that cannot say is given it again
	}
	var err error
	p.mark, err = readMark(ctx, s.archives[0], o)
	switch {
	case p.mark != nil:
		p.hooks = p.mark.of(s.hooks)
	case p.has[0]:
		p.hooks = nil
	}
	if p.Archived() && err != nil {
		return nil, fmt.Errorf("look for a mark: %w", err)
	}
	if p.Archived() && p.mark == nil {
		return nil, nil
	}
	return p, nil
}

// Archived reports whether there are archives that all have the result: then Tell is
// enough, and the upstream need not be asked.
func (p *Pending) Archived() bool { return len(p.has) > 0 && !slices.Contains(p.has, false) }

// Tell tells the webhooks that have not been told, from what the archive holds.
func (p *Pending) Tell(ctx context.Context) error {
	document, err := p.sinks.archives[0].read(ctx, p.order.documentKey())
	if err != nil {
		return fmt.Errorf("read the result: %w", err)
	}
	return together(p.finish(ctx, document, nil))
}

// Deliver gives the result to those who miss it. One that fails does not keep the
// others from getting it; the error names each.
func (p *Pending) Deliver(ctx context.Context, parcel *Parcel) error {
	var errs []error
	for i, a := range p.sinks.archives {
		if p.has[i] {
			continue
		}
		if i == 0 && len(p.hooks) > 0 {
			// The mark comes before the result: who finds a result without one need not look
			// for webhooks that were not told.
			if err := p.note(ctx); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		if err := put(ctx, a, p.order, parcel); err != nil {
			// Another instance may have been quicker: it got in the way, but did the work.
			if done, _ := a.has(ctx, p.order.documentKey()); !done {
				errs = append(errs, err)
				continue
			}
		}
		p.has[i] = true
	}
	return together(p.finish(ctx, parcel.document, errs))
}

// Postpone notes that the order is still to be delivered.
func (p *Pending) Postpone(ctx context.Context) error { return p.note(ctx) }

// put writes the photos, and when all are there the document.
func put(ctx context.Context, a archive, o Order, parcel *Parcel) error {
	for _, photo := range parcel.Photos {
		if err := a.write(ctx, o.String()+"/"+photo.file(), photo.blob()); err != nil {
			return fmt.Errorf("write %s: %w", photo.file(), err)
		}
	}
	if err := a.write(ctx, o.documentKey(), jsonBlob(parcel.document)); err != nil {
		return fmt.Errorf("write result.json: %w", err)
	}
	return nil
}

// finish tells the webhooks and brings the mark up to date. It returns errs with the
// new ones.
func (p *Pending) finish(ctx context.Context, document []byte, errs []error) []error {
	payload := delivered(p.order, document)
	var left []*webhook
	for _, h := range p.hooks {
		if err := h.post(ctx, payload); err != nil {
			errs = append(errs, err)
			left = append(left, h)
		}
	}
	p.hooks = left
	if len(errs) > 0 {
		if err := p.note(ctx); err != nil {
			errs = append(errs, err)
		}
		return errs
	}
	if p.mark != nil {
		if err := p.sinks.archives[0].remove(ctx, p.order.markKey()); err != nil {
			return append(errs, fmt.Errorf("remove the mark: %w", err))
		}
		p.mark = nil
	}
	return errs
}

// note writes the mark, unless it is there already.
func (p *Pending) note(ctx context.Context) error {
	if len(p.sinks.archives) == 0 || p.mark.names(p.hooks) {
		return nil
	}
	m, err := writeMark(ctx, p.sinks.archives[0], p.order, p.hooks)
	if err != nil {
		return fmt.Errorf("write the mark: %w", err)
	}
	p.mark = m
	return nil
}
