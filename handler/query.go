package handler

import (
	"encoding/json"
	"strings"

	"kyc-ocr-relay/internal/jsonscan"
)

// decodeQuery reads the query of an event, an object or the raw text, and reports whether
// there was one.
func decodeQuery(raw json.RawMessage, visit func(name, value string)) (found bool) {
	count := func(name, value string) {
		found = true
		visit(name, value)
	}
	if query := jsonscan.Text(raw); query != "" {
		parseQuery(strings.TrimPrefix(query, "?"), count)
	} else {
		decodePairs(raw, count)
	}
	return found
}

// decodePairs reads an object of names and values, in the forms that events come
// with: text, a list for a name given several times, true for a name without a
// value, numbers, null. Nothing is merged: a name given twice, in whatever way, is
// two pairs. None is kept here: there may be a million.
func decodePairs(raw json.RawMessage, visit func(name, value string)) {
	for name, value := range jsonscan.Members(raw) {
		if value[0] != '[' {
			visit(name, plain(value))
			continue
		}
		for element := range jsonscan.Items(value) {
			visit(name, plain(element))
		}
	}
}

// plain is the text of a value: of a string what it holds, of true and null nothing,
// else the JSON itself.
func plain(raw json.RawMessage) string {
	switch string(raw) {
	case "true", "null":
		return ""
	}
	if raw[0] == '"' {
		return jsonscan.Text(raw)
	}
	return string(raw)
}
