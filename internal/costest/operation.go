package costest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request is an authenticated request that was read whole.
type request struct {
	*http.Request
	key   string
	query url.Values
	body  []byte
}

// operation finds what serves a request, and says what is wrong with its query.
func operation(method, key string, query url.Values) (func(*Bucket, http.ResponseWriter, *request), error) {
	type route struct {
		serve              func(*Bucket, http.ResponseWriter, *request)
		required, optional []string
	}
	var routes []route
	if key == "" {
		if method == http.MethodGet {
			routes = []route{{(*Bucket).list, nil, []string{"prefix", "marker", "max-keys", "delimiter", "encoding-type"}}}
		}
	} else {
		routes = map[string][]route{
			http.MethodPut: {
				{(*Bucket).uploadPart, []string{"partNumber", "uploadId"}, nil},
				{(*Bucket).put, nil, nil},
			},
			http.MethodGet:  {{(*Bucket).get, nil, nil}},
			http.MethodHead: {{(*Bucket).get, nil, nil}},
			http.MethodDelete: {
				{(*Bucket).abort, []string{"uploadId"}, nil},
				{(*Bucket).deleteVersion, []string{"versionId"}, nil},
				{(*Bucket).delete, nil, nil},
			},
			http.MethodPost: {
				{(*Bucket).initiate, []string{"uploads"}, nil},
				{(*Bucket).complete, []string{"uploadId"}, nil},
			},
		}[method]
	}
	for _, route := range routes {
		if slices.ContainsFunc(route.required, func(name string) bool { return !query.Has(name) }) {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(query)) {
			if !slices.Contains(route.required, name) && !slices.Contains(route.optional, name) {
				return route.serve, fmt.Errorf("unknown query parameter %q", name)
			}
			if len(query[name]) != 1 {
				return route.serve, fmt.Errorf("query parameter %q given twice", name)
			}
		}
		return route.serve, nil
	}
	return nil, nil
}

// checkHeaders says what is wrong with the x-cos- headers, or "".
func checkHeaders(h http.Header) string {
	for name, values := range h {
		lower := strings.ToLower(name)
		if lower == "range" || strings.HasPrefix(lower, "if-") {
			return "header that is not simulated: " + lower
		}
		if !strings.HasPrefix(lower, "x-cos-") || strings.HasPrefix(lower, "x-cos-meta-") {
			continue
		}
		if len(values) != 1 {
			return "header given twice: " + lower
		}
		allowed, ok := map[string][]string{
			"x-cos-acl":                    {"default", "private", "public-read"},
			"x-cos-forbid-overwrite":       {"true", "false"},
			"x-cos-sdk-retry":              {"true"},
			"x-cos-security-token":         nil,
			"x-cos-server-side-encryption": {"AES256"},
			"x-cos-storage-class":          {"STANDARD", "STANDARD_IA"},
		}[lower]
		if !ok {
			return "unknown header " + lower
		}
		if allowed != nil && !slices.Contains(allowed, values[0]) {
			return "unknown value of header " + lower
		}
	}
	return ""
}
