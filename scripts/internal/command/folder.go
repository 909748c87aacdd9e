package command

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// InProject reports a working folder that is not the project's.
func InProject() error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	for folder := here; ; folder = filepath.Dir(folder) {
		mod, err := os.ReadFile(filepath.Join(folder, "go.mod")) // #nosec G304 -- a fixed name above the working folder
		words := bytes.Fields(mod)
		found := err == nil && len(words) > 1 && string(words[1]) == "kyc-ocr-relay"
		switch {
		case found && folder == here:
			return nil
		case found:
			return Remedy(fmt.Errorf("this is the folder %s of the project, not the project's own", filepath.Base(here)), "cd %s", folder)
		case folder == filepath.Dir(folder):
			return Remedy(errors.New("this is not the project's folder: it has no go.mod of kyc-ocr-relay"), "cd to the folder of the clone, which has README.md and go.mod, and run the same command again")
		}
	}
}

// Folder reports that the value of a flag is a file, where a folder is wanted. There may be nothing yet.
func Folder(name, path string) error {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return fmt.Errorf("%s: %s is a file: name a folder, which may be a new one", name, path)
	}
	return nil
}
