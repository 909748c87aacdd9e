package deployment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// smokeAttempts allows for a Function URL that answers only some seconds after it was made.
	smokeAttempts = 10
	smokeTimeout  = 20 * time.Second
	// healthLimit bounds what is read of an answer.
	healthLimit = 64 << 10
)

// Smoke asks the function at address, its Function URL with its ROUTE_PREFIX, for /healthz,
// and tells what it says.
func (c *Client) Smoke(ctx context.Context, address string) error {
	client := &http.Client{
		Timeout:       smokeTimeout,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var err error
	for attempt := range smokeAttempts {
		if attempt > 0 {
			if err := pause(ctx, c.Interval); err != nil {
				return err
			}
		}
		var final bool
		if final, err = c.ask(ctx, client, address+"/healthz"); err == nil || final {
			return err
		}
	}
	return err
}

// ask makes one attempt, and reports whether another would tell the same.
func (c *Client) ask(ctx context.Context, client *http.Client, address string) (final bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return true, err
	}
	response, err := client.Do(request)
	if err != nil {
		return ctx.Err() != nil, fmt.Errorf("%s: %w", address, errors.Unwrap(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, healthLimit))
	if err != nil {
		return false, fmt.Errorf("%s: the answer broke off", address)
	}
	return response.StatusCode == http.StatusInternalServerError && len(body) > 0, c.healthy(response.StatusCode, body)
}

// healthy judges an answer to /healthz and tells it.
func (c *Client) healthy(status int, body []byte) error {
	var answer struct {
		Status, Store, Code, Msg string
		Apps                     []struct {
			ID    string `json:"app_id"`
			State string
		}
	}
	_ = json.Unmarshal(body, &answer) // the status counts
	switch {
	case status == http.StatusOK && answer.Status == "ok":
		for _, app := range answer.Apps {
			fmt.Fprintf(c.Out, "      healthy: app %s, pair %s, store %s\n", app.ID, app.State, answer.Store)
		}
		return nil
	case answer.Code != "":
		return fmt.Errorf("the function answers %d %s: %s\n  what to do: mend what it names, and deploy again", status, answer.Code, answer.Msg)
	}
	return fmt.Errorf("/healthz answers with status %d, and not as this function does\n  what to do: see the function's log in the console", status)
}
