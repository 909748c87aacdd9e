package war

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Programs are the paths of what the instances run, one a policy.
type Programs struct{ Own, Naive, Relay string }

// Build builds the programs into dir, which the caller removes. It is to be run within the module.
func Build(ctx context.Context, dir string) (Programs, error) {
	p := Programs{filepath.Join(dir, "own.exe"), filepath.Join(dir, "naive.exe"), filepath.Join(dir, "relay.exe")}
	for output, source := range map[string]string{
		p.Own:   "kyc-ocr-relay/scripts/bench/obvious",
		p.Naive: "kyc-ocr-relay/scripts/internal/war/naive",
		p.Relay: "kyc-ocr-relay",
	} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", output, source) // #nosec G204 -- names from the list above
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return p, fmt.Errorf("go build %s: %w\n%s", source, err, out)
		}
	}
	return p, nil
}
