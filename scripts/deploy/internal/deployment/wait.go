package deployment

import (
	"context"
	"fmt"
	"strings"
)

// wait blocks until the function, or a version of it, is Active.
func (c *Client) wait(ctx context.Context, function, version string) error {
	var last string
	for range maxPolls {
		f, err := c.get(ctx, function, version)
		if err != nil {
			return err
		}
		if f.status == "Active" {
			if last != "" {
				c.status(last, f.status)
			}
			return nil
		}
		if f.status != last {
			c.status(last, f.status)
			last = f.status
		}
		if c.Watched {
			fmt.Fprint(c.Out, ".")
		}
		if strings.HasSuffix(f.status, "Failed") {
			c.status(last, "")
			return &Error{Action: "GetFunction", Code: f.status, Message: f.reason}
		}
		if err := pause(ctx, c.Interval); err != nil {
			return err
		}
	}
	c.status(last, "")
	return fmt.Errorf("the function is still %s after %v\n  what to do: wait, and run the same command again; it goes on from here", last, maxPolls*c.Interval)
}

// status tells that a function went from one status to another, "" for none: on lines of their own or,
// where somebody watches, behind the dots.
func (c *Client) status(from, to string) {
	switch {
	case !c.Watched && to != "":
		fmt.Fprintf(c.Out, "      %s\n", to)
	case c.Watched && to == "Active":
		fmt.Fprintf(c.Out, " %s\n", to)
	case c.Watched:
		if from != "" {
			fmt.Fprintln(c.Out)
		}
		if to != "" {
			fmt.Fprintf(c.Out, "      %s ", to)
		}
	}
}
