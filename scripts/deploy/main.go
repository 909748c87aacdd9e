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
	"syscall"
	"time"

	"kyc-ocr-relay/internal/archive"
	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/store"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/scripts/deploy/internal/deployment"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.LookupEnv, packer(), os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "deploy:", err)
		os.Exit(1)
	}
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
	f := flag.NewFlagSet("deploy", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.kind, "kind", "event", "event, web or both; a Web function is called NAME-web")
	f.StringVar(&o.name, "name", "kyc-ocr-relay", "the function's name")
	f.StringVar(&o.region, "region", "", "such as ap-guangzhou (default TENCENTCLOUD_REGION)")
	f.StringVar(&o.env, "env", ".env", "file with the function's variables")
	f.StringVar(&o.role, "role", "", "execution role, for SECRET_SOURCE and cos:// (default: the one that the function has)")
	f.Int64Var(&o.memory, "memory", 128, "MB")
	f.Int64Var(&o.timeout, "timeout", 60, "seconds")
	f.IntVar(&o.canary, "canary", 0, "percent of the traffic for a new version, beside the present one (default all of it)")
	f.BoolVar(&o.rollback, "rollback", false, "send all traffic back to the version before")
	f.BoolVar(&o.eventURL, "event-url", false, "give the event function a Function URL, although the platform logs what it answers, with card numbers and photos")
	f.BoolVar(&o.open, "open", false, "make a Function URL although CALLER_AUTH=none lets everybody ask who finds it")
	f.BoolVar(&o.yes, "yes", false, "do it")
	f.BoolVar(&o.check, "check", false, "check the settings, and deploy nothing")
	f.BoolVar(&o.mint, "mint", false, "let -check fetch a token, which voids the pair in use a minute later")
	f.StringVar(&o.endpoint, "endpoint", "", "another host for the cloud's API, for trials")
	f.Usage = func() {
		fmt.Fprintln(out, "Flags:")
		f.PrintDefaults()
		fmt.Fprintln(out, "Variables of the function, in the file and in the environment:")
		_ = config.Usage(out) // out is where the error would go
	}
	if err := f.Parse(arguments); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("%q is not a flag", f.Arg(0))
	case o.rollback && o.canary != 0:
		return o, errors.New("-rollback and -canary exclude each other")
	case o.kind != "event" && o.kind != "web" && o.kind != "both":
		return o, errors.New("-kind must be event, web or both")
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
func packer() packed {
	var binary []byte
	return func(ctx context.Context, kind archive.Kind) (_ []byte, err error) {
		if binary == nil {
			if _, err := os.Stat("go.mod"); err != nil {
				return nil, errors.New("to be run in the project's folder")
			}
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

func run(ctx context.Context, arguments []string, lookup func(string) (string, bool), zip packed, out io.Writer) error {
	o, err := parse(arguments, out)
	if err != nil {
		return err
	}
	file, err := os.ReadFile(o.env)
	if err != nil && (!errors.Is(err, fs.ErrNotExist) || o.env != ".env") {
		return fmt.Errorf("-env: %w", err)
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
	case problem != nil:
		return problem
	}
	fmt.Fprintln(out, "building the function …")
	return o.apply(ctx, account, environment.Prefix(), out, func(c *deployment.Client, kind archive.Kind) (*deployment.Plan, error) {
		code, err := zip(ctx, kind)
		if err != nil {
			return nil, err
		}
		return c.Plan(ctx, deployment.Config{
			Name: o.nameOf(kind), Kind: kind, Role: o.role, Memory: o.memory, Timeout: o.timeout, Canary: o.canary,
			Environment: environment, Zip: code, EventURL: o.eventURL, Open: o.open,
		})
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
func (o options) apply(ctx context.Context, account deployment.Account, prefix string, out io.Writer, plan func(*deployment.Client, archive.Kind) (*deployment.Plan, error)) error {
	client, err := deployment.NewClient(account)
	if err != nil {
		return err
	}
	client.Out = out
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
var errToFix = errors.New("see above")

func (o options) runCheck(ctx context.Context, account deployment.Account, environment deployment.Environment, problem error, out io.Writer) error {
	good := true
	for _, kind := range o.kinds() {
		fmt.Fprintf(out, "%s function %s\n", kind, o.nameOf(kind))
		good = deployment.Check{
			Account: account, Name: o.nameOf(kind), Kind: kind, Role: o.role,
			Environment: environment, Problem: problem, Mint: o.mint, EventURL: o.eventURL, Out: out,
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
