// Command deploy creates or updates the function on Tencent Cloud SCF. Without -yes it says what it
// would do, and does nothing; with -check it says what of the settings works.
//
// The function's variables come from a .env file and from the environment, which wins; so do the
// credentials TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY, TENCENTCLOUD_TOKEN (of temporary ones)
// and TENCENTCLOUD_REGION.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"kyc-ocr-relay/internal/archive"
	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/store"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/scripts/deploy/internal/deployment"
	"kyc-ocr-relay/scripts/internal/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.LookupEnv, packer(command.NewScreen(os.Stderr)), command.NewScreen(os.Stdout))
	stop()
	os.Exit(usage.Report(err, command.NewScreen(os.Stderr)))
}

var usage = command.Usage{
	Name:  "deploy",
	Does:  "Creates or updates the function on Tencent Cloud SCF: without -yes it prints what it would do and does nothing, with -check it says what of the settings works.",
	Notes: notes(),
	Example: `
go run ./scripts/deploy -check
go run ./scripts/deploy -kind web
go run ./scripts/deploy -kind web -yes`,
}

// notes has the table of the function's variables.
func notes() string {
	var b strings.Builder
	fmt.Fprintln(&b, "Variables of the function, in the file .env and in the environment, which wins; docs/deploy.md has such a file:")
	_ = config.Usage(&b) // into memory
	fmt.Fprint(&b, "Variables of this command, there too:\n  TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY, TENCENTCLOUD_TOKEN, TENCENTCLOUD_REGION")
	return b.String()
}

// options are the flags.
type options struct {
	kind, name, region, env, role, endpoint string
	memory, timeout                         int64
	canary                                  int
	rollback, yes, check, mint              bool
	eventURL, open                          bool
}

func parse(arguments []string, out io.Writer) (o options, err error) {
	f := new(flag.FlagSet)
	f.StringVar(&o.kind, "kind", "event", "the `kind` of function: event, web or both; a Web function is called NAME-web")
	f.StringVar(&o.name, "name", "kyc-ocr-relay", "the function's `name`")
	f.StringVar(&o.region, "region", "", "a `region` such as ap-guangzhou (default TENCENTCLOUD_REGION)")
	f.StringVar(&o.env, "env", ".env", "the `file` with the function's variables")
	f.StringVar(&o.role, "role", "", "the execution `role`, for SECRET_SOURCE and cos:// (default: the one that the function has)")
	f.Int64Var(&o.memory, "memory", 128, "the function's memory in `MB`")
	f.Int64Var(&o.timeout, "timeout", 60, "its time limit in `seconds`")
	f.IntVar(&o.canary, "canary", 0, "`percent` of the traffic for a new version, beside the present one (default all of it)")
	f.BoolVar(&o.rollback, "rollback", false, "send all traffic back to the version before")
	f.BoolVar(&o.eventURL, "event-url", false, "give the event function a Function URL, although the platform logs what it answers, with card numbers and photos")
	f.BoolVar(&o.open, "open", false, "make a Function URL although CALLER_AUTH=none lets everybody ask who finds it")
	f.BoolVar(&o.yes, "yes", false, "do it")
	f.BoolVar(&o.check, "check", false, "check the settings, and deploy nothing")
	f.BoolVar(&o.mint, "mint", false, "let -check fetch a token, which voids the pair in use a minute later")
	f.StringVar(&o.endpoint, "endpoint", "", "another `URL` for the cloud's API, for trials")
	if _, err := usage.Parse(f, arguments, out); err != nil {
		return o, err
	}
	if err := command.OneOf("-kind", o.kind, "event", "web", "both"); err != nil {
		return o, err
	}
	switch {
	case o.rollback && o.canary != 0:
		return o, command.Misuse("-rollback and -canary exclude each other")
	case o.check && (o.yes || o.rollback):
		return o, command.Misuse("-check deploys nothing: leave -yes and -rollback out")
	case o.mint && !o.check:
		return o, command.Misuse("-mint is for -check alone")
	}
	return o, nil
}

// kinds are the functions that are meant.
func (o options) kinds() []archive.Kind {
	if o.kind == "both" {
		return []archive.Kind{archive.Event, archive.Web}
	}
	return []archive.Kind{archive.Kind(o.kind)}
}

func (o options) nameOf(kind archive.Kind) string {
	if kind == archive.Web {
		return o.name + "-web"
	}
	return o.name
}

// packed builds the function, and packs it for a kind.
type packed func(context.Context, archive.Kind) ([]byte, error)

// packer builds once for all kinds.
func packer(progress command.Screen) packed {
	var binary []byte
	return func(ctx context.Context, kind archive.Kind) (_ []byte, err error) {
		if binary == nil {
			progress.Progress("building the function")
			if binary, err = archive.Compile(ctx, "."); err != nil {
				return nil, err
			}
		}
		a, err := archive.Pack(kind, binary)
		if err != nil {
			return nil, err
		}
		return a.Zip, nil
	}
}

func run(ctx context.Context, arguments []string, lookup func(string) (string, bool), zip packed, out command.Screen) error {
	o, err := parse(arguments, out)
	if err != nil {
		return err
	}
	file, err := os.ReadFile(o.env)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && (!missing || o.env != ".env") {
		return command.Remedy(fmt.Errorf("-env: %w", err), "name the file with the function's variables; without -env it is .env")
	}
	environment, problem := deployment.ReadEnvironment(o.env, bytes.NewReader(file), lookup)
	account := o.account(file, lookup)
	switch {
	case o.check:
		return o.runCheck(ctx, account, environment, problem, out)
	case o.rollback:
		return o.apply(ctx, account, environment.Prefix(), out, func(c *deployment.Client, kind archive.Kind) (*deployment.Plan, error) {
			return c.Rollback(ctx, o.nameOf(kind), kind)
		})
	}
	if err := command.InProject(); err != nil {
		return err
	}
	wanted := func(kind archive.Kind) deployment.Config {
		return deployment.Config{
			Name: o.nameOf(kind), Kind: kind, Role: o.role, Memory: o.memory, Timeout: o.timeout, Canary: o.canary,
			Environment: environment, EventURL: o.eventURL, Open: o.open,
		}
	}
	if problem == nil {
		problem = wanted(o.kinds()[0]).Check(account) // before anything is built
	}
	switch {
	case problem != nil && missing:
		return command.Remedy(problem, "make a file .env here, as step 3 of docs/deploy.md#deploy has one; go run ./scripts/deploy -check then goes through it")
	case problem != nil:
		return command.Remedy(problem, "correct %s or the flags; docs/configuration.md has every variable", o.env)
	}
	return o.apply(ctx, account, environment.Prefix(), out, func(c *deployment.Client, kind archive.Kind) (*deployment.Plan, error) {
		config := wanted(kind)
		if config.Zip, err = zip(ctx, kind); err != nil {
			return nil, err
		}
		return c.Plan(ctx, config)
	})
}

// account takes the credentials from the environment or from the .env file.
func (o options) account(file []byte, lookup func(string) (string, bool)) deployment.Account {
	values := deployment.Credentials(bytes.NewReader(file), lookup)
	region := o.region
	if region == "" {
		region = values["TENCENTCLOUD_REGION"]
	}
	return deployment.Account{
		SecretID:  values["TENCENTCLOUD_SECRET_ID"],
		SecretKey: secret.New(values["TENCENTCLOUD_SECRET_KEY"]),
		Token:     secret.New(values["TENCENTCLOUD_TOKEN"]),
		Region:    region,
		Endpoint:  o.endpoint,
	}
}

// apply plans for all functions first, so that nothing is begun that cannot be planned.
func (o options) apply(ctx context.Context, account deployment.Account, prefix string, out command.Screen, plan func(*deployment.Client, archive.Kind) (*deployment.Plan, error)) error {
	client, err := deployment.NewClient(account)
	if err != nil {
		return err
	}
	client.Out, client.Watched = out, out.Terminal
	if o.endpoint != "" {
		client.Interval = 20 * time.Millisecond // a trial on this machine
	}
	var plans []*deployment.Plan
	empty := true
	for _, kind := range o.kinds() {
		p, err := plan(client, kind)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\n%s", p)
		plans, empty = append(plans, p), empty && p.Empty()
	}
	switch {
	case empty:
		fmt.Fprintln(out, "\nNothing is to be done.")
	case !o.yes:
		fmt.Fprintln(out, "\nNothing has been done yet: the same command with -yes does it.")
	}
	if !o.yes {
		return nil
	}
	for _, p := range plans {
		fmt.Fprintf(out, "\n%s\n", p.Title())
		url, err := client.Apply(ctx, p)
		if err != nil {
			return err
		}
		if url == "" {
			fmt.Fprintln(out, "There is no Function URL that everybody may ask: not tried.")
			continue
		}
		fmt.Fprintf(out, "GET %s%s/healthz\n", url, prefix)
		if err := client.Smoke(ctx, url+prefix); err != nil {
			return fmt.Errorf("everything is in place, but the function does not answer as it should: %w\nTo go back: the same command with -rollback -yes", err)
		}
		fmt.Fprintf(out, "It answers at %s\n", url)
	}
	return nil
}

// errToFix ends the command where -check found something; what, it has printed.
var errToFix = errors.New("see above: mend what says FAIL, and run the same command again")

func (o options) runCheck(ctx context.Context, account deployment.Account, environment deployment.Environment, problem error, out command.Screen) error {
	good := true
	for _, kind := range o.kinds() {
		fmt.Fprintf(out, "%s function %s\n", kind, o.nameOf(kind))
		good = deployment.Check{
			Account: account, Name: o.nameOf(kind), Kind: kind, Role: o.role,
			Environment: environment, Problem: problem, Mint: o.mint, EventURL: o.eventURL, Out: out, Paint: paint(out),
			OpenStore: func(l config.Location, credentials role.Source) (ticket.Store, error) {
				return store.Open(l.Scheme, l.URL.Reveal(), credentials)
			},
		}.Run(ctx) && good
		o.mint = false // once is enough
	}
	if !good {
		return errToFix
	}
	return nil
}

// paint colours the marks of -check.
func paint(out command.Screen) func(string) string {
	colours := map[string]string{"ok": command.Green, "warn": command.Yellow, "FAIL": command.Red}
	return func(mark string) string {
		if colours[mark] == "" {
			return mark
		}
		return out.Paint(colours[mark], mark)
	}
}
