package main

import "kyc-ocr-relay/scripts/internal/command"

var usage = command.Usage{
	Name:    "package",
	Does:    "Builds the function and packs it the way the platform takes it: dist/event.zip and dist/web.zip, with -image a container image, too.",
	Example: "go run ./scripts/package\ngo run ./scripts/package -image",
}
