// Command package builds the function for the platform: dist/event.zip and
// dist/web.zip, to be uploaded in the console or by scripts/deploy, and the same
// files unpacked in dist/event and dist/web for the Serverless Cloud Framework. With
// -image it also writes a container image, without a container engine: dist/image.tar,
// and the same as an OCI layout in dist/image. The same source and the same version of
// Go give the same SHA-256 on every machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"kyc-ocr-relay/internal/archive"
	"kyc-ocr-relay/scripts/internal/command"
)

func main() {
	out := flag.String("out", "dist", "the `folder` to write to")
	withImage := flag.Bool("image", false, "also write a container image for linux/amd64: image.tar, and the folder image")
	usage.Start(func() error { return command.Folder("-out", *out) })
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, ".", *out, *withImage, os.Stdout); err != nil {
		os.Exit(usage.Report(err, command.NewScreen(os.Stderr)))
	}
}

// run packs the command in the folder dir, which is the project's.
func run(ctx context.Context, dir, out string, withImage bool, w io.Writer) error {
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return fmt.Errorf("to be run in the project's folder: %w", err)
	}
	version, err := archive.GoVersion(ctx, dir)
	if err != nil {
		return err
	}
	command.NewScreen(os.Stderr).Progress("building the function")
	binary, err := archive.Compile(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "built with %s for linux/amd64: %s\n", version, megabytes(len(binary)))
	for _, kind := range []archive.Kind{archive.Event, archive.Web} {
		a, err := archive.Pack(kind, binary)
		if err != nil {
			return err
		}
		path, err := a.Save(out)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%-14s %8s  sha256 %s\n", filepath.ToSlash(path), megabytes(len(a.Zip)), a.SHA256)
	}
	if withImage {
		return writeImage(binary, out, w)
	}
	return nil
}

// writeImage packs a binary as an image, and says what is in it.
func writeImage(binary []byte, out string, w io.Writer) error {
	i, err := newImage(binary)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	path, err := i.save(out)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	fmt.Fprintf(w, "%-14s %8s  digest %s\n", filepath.ToSlash(path), megabytes(int(i.size)), i.digest)
	fmt.Fprintf(w, "  %s and %d root certificates, user %s, port 9000; no shell, nothing that can be written\n", entrypoint, i.roots, nobody)
	return nil
}

func megabytes(n int) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }
