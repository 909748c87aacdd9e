package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"runtime"
	"testing"
)

// Several upstreams are up at the same time, each with a root of its own.
func TestSecure(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs the system's roots in a file")
	}
	t.Parallel()
	b := &bench{ctx: t.Context(), dir: t.TempDir()}
	addresses := map[string]string{} // by the file with the roots
	for range 2 {
		server, roots, err := b.secure(&upstream{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		addresses[roots] = server.Addr
	}
	for file := range addresses {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(text)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
		t.Cleanup(transport.CloseIdleConnections)
		for other, address := range addresses {
			response, err := (&http.Client{Transport: transport}).Get("https://" + address + "/?order_no=s1024")
			if err == nil {
				_ = response.Body.Close()
			}
			if trusted := err == nil; trusted != (other == file) {
				t.Errorf("an upstream is trusted: %t, %v; want %t", trusted, err, other == file)
			}
		}
	}
}
