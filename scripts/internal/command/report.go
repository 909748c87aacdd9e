package command

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

// Report writes what went wrong and what to do about it, and returns the exit code: 0 where nothing did
// or the help was asked for, 2 for a Misuse, else 1.
func (u Usage) Report(err error, stderr Screen) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	code, remedy := 1, remedyOf(err.Error())
	if errors.As(err, new(misuse)) {
		code, remedy = 2, fmt.Sprintf("go run ./scripts/%s -h shows the flags and an example", u.Name)
	}
	if remedy != "" {
		err = Remedy(err, "%s", remedy)
	}
	fmt.Fprintln(stderr, stderr.Paint(Red, u.Name+":"), err)
	return code
}

// whatToDo stands before the remedy in an error's text.
const whatToDo = "\n  what to do: "

// Remedy adds to an error what to do about it.
func Remedy(err error, format string, args ...any) error {
	return fmt.Errorf("%w"+whatToDo+format, append([]any{err}, args...)...)
}

// remedyOf is what to do where a program of Go's could not do its work, or "".
func remedyOf(text string) string {
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(text, part) {
				return true
			}
		}
		return false
	}
	switch {
	case strings.Contains(text, whatToDo):
		return ""
	case has(`exec: "go"`):
		return "install Go (https://go.dev/doc/install), and have its bin folder in PATH"
	case has("go build", "go env", "go test") && has("dial tcp", "no such host", "i/o timeout", "module lookup disabled", "TLS handshake"):
		return "the modules cannot be fetched: check the network and the module proxy (go env GOPROXY; go env -w GOPROXY=… sets another); go mod download tries it"
	case has("no space left on device"):
		return "make room on the disk, or set TMPDIR to a folder with room; go clean -cache empties Go's cache"
	}
	return ""
}

// Start reads the process's arguments into flag.CommandLine, for a command that takes flags alone and is
// run in the project's folder. It ends the process for -h and where something is wrong already; what is
// checked besides, such as values of flags, is in problems, in the order of their weight.
func (u Usage) Start(problems ...func() error) {
	_, err := u.Parse(flag.CommandLine, os.Args[1:], os.Stdout)
	for _, problem := range append(problems, InProject) {
		if err == nil {
			err = problem()
		}
	}
	if err != nil {
		os.Exit(u.Report(err, NewScreen(os.Stderr)))
	}
}
