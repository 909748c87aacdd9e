package endtoend

import (
	"net/http"
	"strings"
	"testing"
)

// TestContract goes through section 3 of the contract, row by row and over every transport.
func TestContract(t *testing.T) {
	t.Parallel()
	through(t, func(t *testing.T, over transport) {
		for _, list := range []groups{routes, photos, answers, refusals, failures} {
			list.run(t, over)
		}
	})
}

func contains(text, word string) bool { return strings.Contains(text, word) }

func bearer(tokens ...string) http.Header {
	h := http.Header{}
	for _, token := range tokens {
		h.Add("Authorization", "Bearer "+token)
	}
	return h
}

func authorization(value string) http.Header { return http.Header{"Authorization": {value}} }

const (
	bankPath = "/api/server/getBankCardOcrResult"
	idPath   = "/api/server/getOcrResult"
)
