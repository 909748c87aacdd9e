package config

import (
	"fmt"
	"io"
)

// Welcome tells whoever starts the function by hand where it listens and, before the first request does,
// what is wrong with the settings. What SECRET_SOURCE holds is left to that request.
func Welcome(to io.Writer, getenv func(string) string) {
	fmt.Fprintln(to, "kyc-ocr-relay listens on http://127.0.0.1:9000 (PORT sets another port). Its log, on stdout, is JSON. Ctrl-C ends it.")
	values := Values(getenv)
	if _, err := Parse(values); err != nil && values["SECRET_SOURCE"] == "" {
		fmt.Fprintf(to, `Every request will be answered 500, as settings are missing or wrong:
%v
  what to do: KYC_APP_ID=IDAXXXXX KYC_SECRET=… CALLER_TOKENS=shop:0123456789abcdef go run .
  docs/configuration.md has every variable; go run ./scripts/demo needs none of them
`, err)
	}
}
