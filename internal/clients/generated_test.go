package clients

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// copied returns a folder of its own with the files of one of testdata.
func copied(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// document is the path of openapi.yaml.
func document(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(root + "/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// relay starts the function and returns the variables that a client finds it by.
func relay(t *testing.T) (url string, env []string) {
	t.Helper()
	server := httptest.NewServer(startRelay(t))
	t.Cleanup(server.Close)
	return server.URL, []string{"RELAY=" + server.URL, "TOKEN=" + token}
}

// What the Go client's module needs comes from the module proxy, as everything else in Go does.
func TestGoClient(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a generator and what it writes")
	}
	t.Parallel()
	_, env := relay(t)
	dir := copied(t, "oapi")
	// Its imports are there once the client is generated: what reads all Go files of the project would stumble over it.
	if err := os.Rename(filepath.Join(dir, "main.go.txt"), filepath.Join(dir, "main.go")); err != nil {
		t.Fatal(err)
	}
	env = append(env, "GOFLAGS=-mod=readonly", "GOWORK=off")
	if out, err := output(t, dir, env, "go", "mod", "download"); err != nil {
		if wanted() {
			t.Fatalf("the modules of oapi-codegen cannot be fetched: check the network and the module proxy (go env GOPROXY): %v\n%s", err, out)
		}
		t.Skipf("the modules of oapi-codegen cannot be fetched: %v\n%s", err, out)
	}
	if err := os.Mkdir(filepath.Join(dir, "relay"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"go tool oapi-codegen -generate types,client -package relay -o relay/relay.go " + document(t),
		"go vet ./...",
		"go run .",
	} {
		words := strings.Fields(line)
		if out, err := output(t, dir, env, words[0], words[1:]...); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
}

// The linters, the TypeScript client and the collection need 220 MB from the npm registry.
func TestNPM(t *testing.T) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not on this machine: the linters, the TypeScript client and the Postman collection are not tried", program)
		}
	}
	if !wanted() {
		t.Skip("installs 220 MB from the npm registry: CLIENTS=1 go test ./internal/clients does")
	}
	url, env := relay(t)
	dir := copied(t, "npm")
	if out, err := output(t, dir, nil, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
		t.Fatalf("npm ci: %v: the npm registry must be reachable (npm config get registry; npm ping tries it)\n%s", err, out)
	}
	collection, err := filepath.Abs(root + "/docs/examples/postman_collection.json")
	if err != nil {
		t.Fatal(err)
	}
	project := filepath.Dir(document(t))
	newman := []string{"newman", "run", collection, "--color", "off", "--env-var", "baseUrl=" + url, "--env-var", "token=" + token}
	for _, c := range []struct {
		name    string
		folder  string // where its configuration is
		command []string
	}{
		{"Redocly", project, []string{"redocly", "lint", "openapi.yaml", "--max-problems=100"}},
		{"Spectral", project, []string{"spectral", "lint", "openapi.yaml", "--fail-severity=hint"}},
		{"types for TypeScript", dir, []string{"openapi-typescript", document(t), "-o", "api.d.ts"}},
		{"tsc, strict", dir, []string{"tsc", "-p", "."}},
		{"the TypeScript client", dir, []string{"", "client.js"}},
		{"newman", dir, newman},
		{"newman again", dir, newman}, // order numbers are used up
	} {
		name := filepath.Join(dir, "node_modules", ".bin", c.command[0])
		if c.command[0] == "" {
			name = "node"
		}
		out, err := output(t, c.folder, append(env, "NO_COLOR=1", "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true"), name, c.command[1:]...)
		if err != nil || strings.Contains(out, "warnings.") || strings.Contains(out, "1 warning") {
			t.Errorf("%s: %v\n%s", c.name, err, out)
		}
		t.Logf("%s:\n%s", c.name, out[max(0, len(out)-1500):])
	}
}
