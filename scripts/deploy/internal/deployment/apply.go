package deployment

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	scf "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/scf/v20180416"

	"kyc-ocr-relay/internal/archive"
)

// run is a Plan on its way.
type run struct {
	*Client
	*Plan
	kept  string // the version that the first step published
	fresh string // the version that was published
}

// Failure is a step that failed: what stands by then, and how to go on.
type Failure struct {
	Step  string
	Err   error
	Done  []string
	Left  []string
	After string // where the traffic goes now
}

func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "failed: %s\n  %v\n", f.Step, f.Err)
	for _, part := range []struct {
		title string
		lines []string
	}{{"done before it", f.Done}, {"not done", f.Left}} {
		if len(part.lines) > 0 {
			fmt.Fprintf(&b, "%s:\n  - %s\n", part.title, strings.Join(part.lines, "\n  - "))
		}
	}
	if f.After != "" {
		fmt.Fprintf(&b, "traffic: %s\n", f.After)
	}
	b.WriteString("To go on, run the same command again: it looks at what is there, and does what is missing.")
	return b.String()
}

func (f *Failure) Unwrap() error { return f.Err }

// Apply does what the plan says, and tells the progress. It returns the Function URL, "" where none
// is open. An error is a *Failure.
func (c *Client) Apply(ctx context.Context, p *Plan) (string, error) {
	r := &run{Client: c, Plan: p}
	if p.state.latest != nil && p.state.latest.status != "Active" && !p.Empty() {
		if err := c.wait(ctx, p.name, latest); err != nil {
			return "", p.failure(0, "wait for the function", err)
		}
	}
	for i, s := range p.steps {
		fmt.Fprintf(c.Out, "[%d/%d] %s\n", i+1, len(p.steps), s.text)
		if err := s.do(ctx, r); err != nil {
			return "", p.failure(i, s.text, err)
		}
	}
	if err := c.lookTriggers(ctx, p.name, p.state); err != nil {
		return "", p.failure(len(p.steps), "look for the Function URL", err)
	}
	return p.state.url.open(), nil
}

func (p *Plan) failure(i int, step string, err error) error {
	f := &Failure{Step: step, Err: err}
	for j, s := range p.steps {
		switch {
		case j < i:
			f.Done = append(f.Done, s.text)
		case j > i || s.text != step:
			f.Left = append(f.Left, s.text)
		}
	}
	if p.state.latest != nil {
		f.After = p.state.alias.String() + ", as before"
		if p.routed {
			f.After = p.state.alias.String()
		}
	}
	return f
}

// change makes a call that changes the function, and waits until that is done.
func (r *run) change(ctx context.Context, action string, call func() error) error {
	if err := r.do(ctx, r.name, action, call); err != nil {
		return err
	}
	return r.wait(ctx, r.name, latest)
}

func (r *run) create(ctx context.Context) error {
	want := r.config
	request := scf.NewCreateFunctionRequest()
	request.FunctionName = &want.Name
	request.Type, request.Runtime, request.Handler = new(typ(want.Kind)), new("Go1"), new("main")
	request.Code = zipped(want.Zip)
	// IgnoreSysLog is set by the next step, which says so in the description.
	request.Description = new(describe(want.Zip, false))
	request.MemorySize, request.Timeout = &want.Memory, &want.Timeout
	request.Environment = variables(r.environment())
	if want.Role != "" {
		request.Role = &want.Role
	}
	return r.change(ctx, "CreateFunction", func() error {
		_, err := r.scf.CreateFunctionWithContext(ctx, request)
		return err
	})
}

// updateCode uploads the code and, where nothing else does, describes it.
func (r *run) updateCode(ctx context.Context, describe bool) error {
	request := scf.NewUpdateFunctionCodeRequest()
	request.FunctionName, request.Handler = &r.name, new("main")
	request.Code, request.CodeSource = zipped(r.config.Zip), new("ZipFile")
	err := r.change(ctx, "UpdateFunctionCode", func() error {
		_, err := r.scf.UpdateFunctionCodeWithContext(ctx, request)
		return err
	})
	if err != nil || !describe {
		return err
	}
	return r.updateConfiguration(ctx)
}

// updateConfiguration comes after the code: the description says that it is there.
func (r *run) updateConfiguration(ctx context.Context) error {
	want := r.config
	request := scf.NewUpdateFunctionConfigurationRequest()
	request.FunctionName, request.Description = &r.name, new(r.description())
	request.MemorySize, request.Timeout = &want.Memory, &want.Timeout
	request.Environment = variables(r.environment())
	if want.Role != "" {
		request.Role = &want.Role
	}
	if r.kind == archive.Event {
		request.IgnoreSysLog = new(true)
	}
	return r.change(ctx, "UpdateFunctionConfiguration", func() error {
		_, err := r.scf.UpdateFunctionConfigurationWithContext(ctx, request)
		return err
	})
}

// keep publishes what runs, where the traffic goes to $LATEST, and sends it there.
func (r *run) keep(ctx context.Context) (err error) {
	if r.kept, err = r.publishAs(ctx, r.state.latest.description); err != nil {
		return err
	}
	return r.route(ctx, alias{main: r.kept})
}

func (r *run) publish(ctx context.Context) (err error) {
	r.fresh, err = r.publishAs(ctx, r.description())
	return err
}

func (r *run) publishAs(ctx context.Context, description string) (string, error) {
	request := scf.NewPublishVersionRequest()
	request.FunctionName, request.Description = &r.name, &description
	var response *scf.PublishVersionResponse
	err := r.do(ctx, r.name, "PublishVersion", func() (err error) {
		response, err = r.scf.PublishVersionWithContext(ctx, request)
		return err
	})
	if err != nil {
		return "", err
	}
	version := value(response.Response.FunctionVersion)
	if err := r.wait(ctx, r.name, version); err != nil {
		return "", err
	}
	fmt.Fprintf(r.Out, "      version %s\n", version)
	// Publishing is a transition of the function, too.
	return version, r.wait(ctx, r.name, latest)
}

// try asks a version for /healthz, in an event as the Function URL sends it.
func (r *run) try(ctx context.Context, version string) error {
	if version == fresh {
		version = r.fresh
	}
	request := scf.NewInvokeRequest()
	request.FunctionName, request.Qualifier, request.InvocationType = &r.name, &version, new("RequestResponse")
	request.ClientContext = new(fmt.Sprintf(`{"httpMethod":"GET","path":%q,"headers":{},"queryString":{},"body":""}`, r.config.Environment.Prefix()+"/healthz"))
	var response *scf.InvokeResponse
	err := r.do(ctx, r.name, "Invoke", func() (err error) {
		response, err = r.scf.InvokeWithContext(ctx, request)
		return err
	})
	if err != nil {
		return err
	}
	var answer struct {
		StatusCode int
		Body       string
	}
	if json.Unmarshal([]byte(value(value(response.Response.Result).RetMsg)), &answer) != nil {
		return errors.New("it does not run: see its log in the console\n  what to do: nothing has changed for the callers; mend it and deploy again")
	}
	_, err = r.healthy(answer.StatusCode, []byte(answer.Body))
	return err
}

// route sends the traffic where want says, with the new version's number in it.
func (r *run) route(ctx context.Context, want alias) error {
	for _, version := range []*string{&want.main, &want.additional} {
		switch *version {
		case fresh:
			*version = r.fresh
		case keptVersion:
			*version = r.kept
		}
	}
	if want.previous == 0 && r.kept != "" && want.main == r.fresh {
		want.previous, _ = strconv.Atoi(r.kept) // a version of ours is a number
	}
	request := scf.NewUpdateAliasRequest()
	request.FunctionName, request.Name, request.FunctionVersion = &r.name, new(aliasName), &want.main
	request.Description = new("kyc ocr relay.")
	if want.previous != 0 {
		request.Description = new(fmt.Sprintf("previous %d.", want.previous))
	}
	// An empty list ends a canary; to leave it out may leave that as it is.
	request.RoutingConfig = &scf.RoutingConfig{AdditionalVersionWeights: []*scf.VersionWeight{}}
	if want.additional != "" {
		request.RoutingConfig.AdditionalVersionWeights = []*scf.VersionWeight{{Version: &want.additional, Weight: &want.weight}}
	}
	err := r.do(ctx, r.name, "UpdateAlias", func() error {
		_, err := r.scf.UpdateAliasWithContext(ctx, request)
		return err
	})
	if err != nil {
		return err
	}
	r.state.alias, r.routed = want, true
	fmt.Fprintf(r.Out, "      %s\n", want)
	return nil
}

func (r *run) createURL(ctx context.Context) error {
	return r.createTrigger(ctx, "http", urlName, `{"AuthType":"NONE","NetConfig":{"EnableExtranet":true,"EnableIntranet":false}}`)
}

func (r *run) createTimer(ctx context.Context) error {
	return r.createTrigger(ctx, "timer", timerName, cron)
}

func (r *run) createTrigger(ctx context.Context, kind, name, desc string) error {
	request := scf.NewCreateTriggerRequest()
	request.FunctionName, request.Type, request.TriggerName, request.TriggerDesc = &r.name, &kind, &name, &desc
	request.Qualifier, request.Enable = new(aliasName), new("OPEN")
	return r.change(ctx, "CreateTrigger", func() error {
		_, err := r.scf.CreateTriggerWithContext(ctx, request)
		return err
	})
}

func (r *run) updateTimer(ctx context.Context) error {
	request := scf.NewUpdateTriggerRequest()
	request.FunctionName, request.Type, request.TriggerName, request.TriggerDesc = &r.name, new("timer"), new(timerName), new(cron)
	request.Qualifier, request.Enable = new(aliasName), new("OPEN")
	return r.change(ctx, "UpdateTrigger", func() error {
		_, err := r.scf.UpdateTriggerWithContext(ctx, request)
		return err
	})
}

func zipped(data []byte) *scf.Code {
	return &scf.Code{ZipFile: new(base64.StdEncoding.EncodeToString(data))}
}

func variables(values map[string]string) *scf.Environment {
	e := &scf.Environment{Variables: []*scf.Variable{}}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		e.Variables = append(e.Variables, &scf.Variable{Key: &name, Value: new(values[name])})
	}
	return e
}
