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

// health is what /healthz answers.
type health struct {
	Status, Store, Code, Msg string
	Apps                     []struct {
		ID    string `json:"app_id"`
		State string
	}
	Lent []loan
}

// loan is what the instance that answers has last lent to a server that signs by itself.
type loan struct {
	Caller, Kind string
	AppID        string `json:"app_id"`
	Ago          int64  // seconds
}

// Smoke asks the function at address, its Function URL with its ROUTE_PREFIX, for /healthz,
// and tells what it says.
func (c *Client) Smoke(ctx context.Context, address string) error {
	_, err := c.health(ctx, address)
	return err
}

// health is Smoke, and returns what the function says.
func (c *Client) health(ctx context.Context, address string) (h health, err error) {
	client := &http.Client{
		Timeout:       smokeTimeout,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for attempt := range smokeAttempts {
		if attempt > 0 {
			if err := pause(ctx, c.Interval); err != nil {
				return h, err
			}
		}
		var final bool
		if h, final, err = c.ask(ctx, client, address+"/healthz"); err == nil || final {
			return h, err
		}
	}
	return h, err
}

// ask makes one attempt, and reports whether another would tell the same.
func (c *Client) ask(ctx context.Context, client *http.Client, address string) (h health, final bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return h, true, err
	}
	response, err := client.Do(request)
	if err != nil {
		return h, ctx.Err() != nil, fmt.Errorf("%s: %w", address, errors.Unwrap(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, healthLimit))
	if err != nil {
		return h, false, fmt.Errorf("%s: the answer broke off", address)
	}
	h, err = c.healthy(response.StatusCode, body)
	return h, response.StatusCode == http.StatusInternalServerError && len(body) > 0, err
}

// healthy judges an answer to /healthz and tells it.
func (c *Client) healthy(status int, body []byte) (answer health, err error) {
	_ = json.Unmarshal(body, &answer) // the status counts
	switch {
	case status == http.StatusOK && answer.Status == "ok":
		for _, app := range answer.Apps {
			fmt.Fprintf(c.Out, "      healthy: app %s, pair %s, store %s\n", app.ID, app.State, answer.Store)
		}
		return answer, nil
	case answer.Code != "":
		return answer, fmt.Errorf("the function answers %d %s: %s\n  what to do: mend what it names, and deploy again", status, answer.Code, answer.Msg)
	}
	return answer, fmt.Errorf("/healthz answers with status %d, and not as this function does\n  what to do: see the function's log in the console", status)
}
