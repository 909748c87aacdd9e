package war

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// Programs are the paths of what the instances run, one a policy; "": not built yet.
type Programs struct{ Own, Naive, Relay string }

// Build builds those programs that are not built yet into dir. The current folder is one of the module.
func (p *Programs) Build(dir string) error {
	for _, program := range []struct {
		path         *string
		name, source string
	}{
		{&p.Own, "own.exe", "kyc-ocr-relay/scripts/bench/obvious"},
		{&p.Naive, "naive.exe", "kyc-ocr-relay/scripts/internal/war/naive"},
		{&p.Relay, "relay.exe", "kyc-ocr-relay"},
	} {
		if *program.path != "" {
			continue
		}
		path := filepath.Join(dir, program.name)
		// The flags are those of go run: with others the standard library would be compiled a second time.
		build := exec.Command("go", "build", "-o", path, program.source) // #nosec G204 -- names from the list above
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s, to be run in the project's folder: %w\n%s", program.source, err, out)
		}
		*program.path = path
	}
	return nil
}
