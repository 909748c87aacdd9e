package costest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The example of document 436/7778, "upload an object".
func TestPublishedVector(t *testing.T) {
	headers, why := canonical(
		"content-length;content-md5;content-type;date;host;x-cos-acl;x-cos-grant-read",
		map[string][]string{
			"date":             {"Thu, 16 May 2019 06:45:51 GMT"},
			"host":             {"examplebucket-1250000000.cos.ap-beijing.myqcloud.com"},
			"content-type":     {"text/plain"},
			"content-length":   {"13"},
			"content-md5":      {"mQ/fVh815F3k6TAUm8m0eg=="},
			"x-cos-acl":        {"private"},
			"x-cos-grant-read": {`uin="100000000011"`},
		},
		func(string) bool { return true },
	)
	if why != "" {
		t.Fatal(why)
	}
	got := sign("BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz", "1557989151;1557996351", "PUT", "/exampleobject(腾讯云)", "", headers)
	if want := "3b8851a11a569213c17ba8fa7dcf2abec6935172"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Each request is right but for one thing.
func TestStrictness(t *testing.T) {
	config := Config{Name: "b-1", SecretID: "id", SecretKey: "key"}
	now := time.Unix(1_700_000_000, 0)
	type spoilt struct {
		headerList, keyTime string
		after               func(*http.Request)
	}
	for name, test := range map[string]struct {
		spoilt
		code string
	}{
		"nothing":                 {spoilt{}, ""},
		"host not signed":         {spoilt{headerList: "x-cos-acl"}, "SignatureDoesNotMatch"},
		"x-cos- not signed":       {spoilt{headerList: "host"}, "SignatureDoesNotMatch"},
		"list not sorted":         {spoilt{headerList: "x-cos-acl;host"}, "SignatureDoesNotMatch"},
		"signed and not there":    {spoilt{headerList: "host;x-cos-acl;x-cos-none"}, "SignatureDoesNotMatch"},
		"parameter not signed":    {spoilt{after: func(r *http.Request) { r.URL.RawQuery = "prefix=a" }}, "SignatureDoesNotMatch"},
		"another value":           {spoilt{after: func(r *http.Request) { r.Header.Set("X-Cos-Acl", "public-read") }}, "SignatureDoesNotMatch"},
		"another path":            {spoilt{after: func(r *http.Request) { r.URL.Path = "/other" }}, "SignatureDoesNotMatch"},
		"another method":          {spoilt{after: func(r *http.Request) { r.Method = "DELETE" }}, "SignatureDoesNotMatch"},
		"another host":            {spoilt{after: func(r *http.Request) { r.Host = "other" }}, "SignatureDoesNotMatch"},
		"no authorization":        {spoilt{after: func(r *http.Request) { r.Header.Del("Authorization") }}, "AccessDenied"},
		"field missing":           {spoilt{after: replace("q-url-param-list=&", "")}, "AccessDenied"},
		"field twice":             {spoilt{after: replace("q-ak=id", "q-ak=id&q-ak=id")}, "AccessDenied"},
		"another algorithm":       {spoilt{after: replace("=sha1", "=sha256")}, "AccessDenied"},
		"a token that is not due": {spoilt{after: func(r *http.Request) { r.Header.Set("X-Cos-Security-Token", "t") }}, "InvalidToken"},
		"expired":                 {spoilt{keyTime: "1699990000;1699999999"}, "AccessDenied"},
		"in the future":           {spoilt{keyTime: "1700000901;1700009999"}, "RequestTimeTooSkewed"},
		"times are none":          {spoilt{keyTime: "now;then"}, "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			b := New(config)
			b.SetClock(func() time.Time { return now })
			r := httptest.NewRequest("PUT", "http://host/key", strings.NewReader("data"))
			r.Header.Set("X-Cos-Acl", "private")
			list, keyTime := "host;x-cos-acl", "1699999990;1700000600"
			if test.headerList != "" {
				list = test.headerList
			}
			if test.keyTime != "" {
				keyTime = test.keyTime
			}
			headers, _ := canonical(list, map[string][]string{"host": {"host"}, "x-cos-acl": {"private"}}, func(string) bool { return false })
			r.Header.Set("Authorization", "q-sign-algorithm=sha1&q-ak=id&q-sign-time="+keyTime+"&q-key-time="+keyTime+
				"&q-header-list="+list+"&q-url-param-list=&q-signature="+sign(config.SecretKey, keyTime, "PUT", "/key", "", headers))
			if test.after != nil {
				test.after(r)
			}
			w := httptest.NewRecorder()
			b.ServeHTTP(w, r)
			if test.code == "" {
				if w.Code != 200 || len(b.Violations()) > 0 {
					t.Errorf("%d %s %q", w.Code, w.Body, b.Violations())
				}
				return
			}
			if w.Code != 403 || !strings.Contains(w.Body.String(), "<Code>"+test.code+"</Code>") || len(b.Violations()) != 1 || len(b.Objects()) > 0 {
				t.Errorf("%d %s %q", w.Code, w.Body, b.Violations())
			}
		})
	}
}

func replace(from, to string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
	}
}
