package main

import (
	"fmt"
	"os"

	"kyc-ocr-relay/scripts/internal/command"
)

var usage = command.Usage{
	Name:    "bench",
	Does:    "Builds the function and what it is compared with, measures them side by side, and prints every figure that has a limit, as a ratio.",
	Example: "go run ./scripts/bench -only parts",
}

// parts are the names of what can be measured alone.
func parts() (names []string) {
	for _, m := range (*bench)(nil).measurements() {
		names = append(names, m.name)
	}
	return names
}

func atLeastOne(rounds int) error {
	if rounds < 1 {
		return command.Misuse("-rounds must be 1 or more")
	}
	return nil
}

// isThere reports that there is no folder to write pictures to; "" is none that is wanted.
func isThere(folder string) error {
	if info, err := os.Stat(folder); folder != "" && (err != nil || !info.IsDir()) {
		return command.Remedy(fmt.Errorf("-pictures: there is no folder %s", folder), "mkdir -p %s", folder)
	}
	return nil
}
