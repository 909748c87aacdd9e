package deployment

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// baseURL looks whether the upstream can be reached from here.
func (k *checking) baseURL(ctx context.Context) {
	if k.config == nil {
		k.say("skip", "base URL", "needs the settings")
		return
	}
	u := k.config.BaseURL
	if u.Scheme == "http" {
		k.say("warn", "base URL", "%s is on this machine: good for a trial, the function in the cloud cannot reach it", u.Host)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*k.config.Timeout)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, u.Hostname())
	if err != nil {
		k.fail("base URL", "the name "+u.Hostname()+" cannot be resolved", "check KYC_BASE_URL, and this machine's DNS")
		return
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	dialer := tls.Dialer{Config: &tls.Config{ServerName: u.Hostname(), RootCAs: k.Roots, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		var certificate *tls.CertificateVerificationError
		if errors.As(err, &certificate) {
			k.fail("base URL", "the certificate of "+u.Hostname()+" cannot be verified: "+certificate.Err.Error(), "see whether something in between opens TLS, and this machine's clock and root certificates")
			return
		}
		k.fail("base URL", "no TLS connection to "+u.Host, "see whether a firewall or a proxy is in the way; in a VPC, the function needs a way out")
		return
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState() // as DialContext documents
	k.say("ok", "base URL", "%s: %d address(es), %s, certificate until %s", u.Host, len(addresses),
		tls.VersionName(state.Version), state.PeerCertificates[0].NotAfter.UTC().Format(time.DateOnly))
}

// storeProbe is a register of its own in the store: the apps' are not touched.
const storeProbe = "deploy-check"

// ticketStore looks whether instances can share a pair.
func (k *checking) ticketStore(ctx context.Context) {
	if k.config == nil {
		k.say("skip", "store", "needs the settings")
		return
	}
	switch scheme := k.config.Store.Scheme; {
	case scheme == "memory":
		k.say("warn", "store", "memory: every instance fetches a pair of its own, which ends the others'. Share one (TICKET_STORE) where there may be several")
		return
	case scheme == "file":
		k.say("skip", "store", "a folder is of the machine that the function runs on: it cannot be checked from here")
		return
	case k.OpenStore == nil:
		k.say("skip", "store", "%s cannot be checked in this version", scheme)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	store, err := k.OpenStore(k.config.Store, k.operator)
	var value ticket.Value
	if err == nil {
		value, err = store.Load(ctx, storeProbe)
	}
	if err == nil {
		_, err = store.Swap(ctx, storeProbe, value.Version, []byte("of scripts/deploy -check"))
	}
	if err != nil {
		k.fail("store", err.Error(), "check TICKET_STORE. A Redis in a VPC cannot be reached from a laptop: then the function's /healthz and log tell")
		return
	}
	k.store = store
	k.say("ok", "store", "%s can be read and written; the clocks are %v apart", k.config.Store.Scheme, time.Since(value.Now).Abs().Round(time.Second))
}

// apps looks whether every app's secret is good. Fetching a token ends the pair in use within a
// minute: so the function's own pair is looked up where instances share it, and renewed as one of
// them would; otherwise the user has to allow it.
func (k *checking) apps(ctx context.Context) {
	if k.config == nil {
		k.say("skip", "apps", "needs the settings")
		return
	}
	client := upstream.New(upstream.Config{BaseURL: k.config.BaseURL, Timeout: k.config.Timeout})
	defer client.Close()
	for _, app := range k.config.Apps {
		err := k.app(ctx, client, app)
		var call *upstream.Error
		if errors.As(err, &call) && call.Refused() && !app.Next.IsEmpty() {
			err = k.app(ctx, client, config.App{ID: app.ID, Secret: app.Next})
		}
		if err != nil {
			k.fail("app "+app.ID, err.Error(), advice(err))
		}
	}
}

func (k *checking) app(ctx context.Context, client *upstream.Client, app config.App) error {
	switch {
	case k.store != nil:
		return k.shared(ctx, app, client.Issuer(app.ID, app.Secret))
	case k.Mint:
		return k.mint(ctx, app, client.Issuer(app.ID, app.Secret))
	}
	k.say("skip", "app "+app.ID, "to try the secret a token must be fetched, and a minute later the pair that the function uses is void: allow it with -mint")
	return nil
}

// shared takes the pair as an instance of the function would.
func (k *checking) shared(ctx context.Context, app config.App, of upstream.Issuer) error {
	cache := ticket.New(ticket.Config{
		Apps:     map[string]ticket.App{app.ID: {Issuer: of, Secret: app.Secret}},
		Store:    k.store,
		Schedule: ticket.Schedule{Refresh: k.config.Refresh, Overlap: k.config.Overlap},
	})
	_, err := cache.Do(ctx, app.ID, func(*ticket.Pair) (rejected bool, err error) { return false, nil })
	if err != nil {
		return err
	}
	if s := cache.Status(app.ID); s.Source == ticket.Shared {
		k.say("ok", "app "+app.ID, "the store has its pair, %v old, sealed with this secret", s.Age.Round(time.Second))
	} else {
		k.say("ok", "app "+app.ID, "a pair was fetched, and stored for the function")
	}
	return nil
}

func (k *checking) mint(ctx context.Context, app config.App, of upstream.Issuer) error {
	token, err := of.Token(ctx)
	if err == nil {
		_, err = of.Ticket(ctx, token.Value)
	}
	if err == nil {
		k.say("ok", "app "+app.ID, "the secret is good: a token and a ticket were fetched. A pair in use by the function is void in a minute")
	}
	return err
}

// advice says what to do about a failed call of the upstream.
func advice(err error) string {
	var call *upstream.Error
	switch {
	case !errors.As(err, &call):
		return ""
	case call.Reason == upstream.Refused && call.Class == upstream.Permanent:
		return "app id and secret do not belong together, or the app may not do this: compare both with the vendor's console"
	case call.Reason == upstream.Refused:
		return fmt.Sprintf("look up code %s in the vendor's documents (1007)", call.Code)
	case call.Reason == upstream.BadResponse:
		return "KYC_BASE_URL is not the vendor's API, or something in between answers"
	}
	return "see the base URL above, and raise KYC_TIMEOUT if the network is slow"
}
