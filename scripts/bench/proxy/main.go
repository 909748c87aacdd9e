// Command proxy passes requests through with the standard library's reverse proxy,
// without authentication and signature.
package main

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	target, err := url.Parse(os.Getenv("KYC_BASE_URL"))
	if err != nil {
		panic(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 100
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.URL.Path = "/api/server/getBankCardOcrResult"
	}}
	panic(http.ListenAndServe("0.0.0.0:"+os.Getenv("PORT"), proxy)) // #nosec G114 -- a yardstick, which runs for as long as it is measured
}
