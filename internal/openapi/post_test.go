package openapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/openapi"
)

// members are those of a body.
type members map[string]any

func (m members) with(name string, value any) members {
	changed := maps.Clone(m)
	changed[name] = value
	return changed
}

func (m members) String() string {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// examples returns the bodies that the document shows of each path that takes one. They are the
// caller's to change.
func examples(t *testing.T, doc *openapi.Document) map[string][]members {
	t.Helper()
	all := map[string][]members{}
	for path := range doc.Paths.Map() {
		_, operation := doc.Operation(path)
		if operation.RequestBody == nil {
			continue
		}
		shown := operation.RequestBody.Value.Content["application/json"].Examples
		for _, name := range slices.Sorted(maps.Keys(shown)) {
			all[path] = append(all[path], members(maps.Clone(shown[name].Value.Value.(map[string]any))))
		}
	}
	if len(all) < 16 {
		t.Fatalf("only %d paths take a body", len(all))
	}
	return all
}

// posts lists what is sent to each path that takes a body: every example of the document, and the
// first of each path with what goes wrong.
func posts(t *testing.T, doc *openapi.Document) (list []exchange) {
	t.Helper()
	all := examples(t, doc)
	for n, path := range slices.Sorted(maps.Keys(all)) {
		send := func(world, body string, status int) {
			list = append(list, exchange{world: world, method: "POST", target: path, body: body, status: status})
		}
		for _, example := range all[path] {
			send(usual, example.String(), 200)
		}
		good := all[path][0]
		orderNo, app, dropIn := "order_no", "app_id", strings.HasPrefix(path, "/api/")
		if dropIn {
			orderNo, app = "orderNo", "appId"
			delete(good, "webankAppId") // of which there would be two
		}
		send(usual, "[]", 400)
		send(usual, good.with(orderNo, "order-1").String(), 400)
		send(usual, good.with(app, "other").String(), 400)
		send(usual, strings.Replace(good.String(), "{", `{"`+orderNo+`":"order1",`, 1), 400)
		list = append(list,
			exchange{target: path, status: 405},
			exchange{method: "PUT", target: path, body: good.String(), status: 405},
			exchange{method: "POST", target: path, body: good.String(), token: "none", status: 401},
			exchange{method: "POST", target: path, body: good.String(), token: limitedToken, status: 403})
		// Each call has an order of its own: an upload uses it up.
		number := 0
		order := func(prefix string) string {
			number++
			return good.with(orderNo, fmt.Sprintf("%sx%dx%d", prefix, n, number)).String()
		}
		for _, world := range []string{misconfigured, wrongSecret, noTokens} {
			status := 502
			if world == misconfigured {
				status = 500
			}
			send(world, order("order"), status)
		}
		send(slowTokens, order("order"), 504)
		if path == "/check" || path == "/start/ocr" { // the upstream does not see the order number
			continue
		}
		send(usual, order("unknown"), 200)
		send(usual, order("toolong"), 400)
		send(usual, order("notfound"), 404)
		send(usual, order("throttled"), 503)
		for _, prefix := range []string{"rejected", "forbidden", "nocode", "html", "redirect"} {
			send(usual, order(prefix), 502)
		}
		send(hasty, order("slow"), 504)
	}
	return append(list, wrongMembers(all)...)
}

// wrongMembers lists the bodies with a member of a wrong length or alphabet.
func wrongMembers(all map[string][]members) (list []exchange) {
	send := func(path, member string, value any) {
		body := all[path][0].with(member, value)
		list = append(list, exchange{method: "POST", target: path, body: body.String(), status: 400})
	}
	face := all["/start/face"][0].with("product", "h5").with("url", "https://shop.example/")
	all = maps.Clone(all)
	all["/start/face"] = []members{face}
	for member, wrong := range map[string]any{
		"user_id": "a b", "product": "other", "name": "", "id_no": "", "source_photo": "@", "source_photo_type": "3", "live_inter_type": "2",
		"url": "javascript:", "result_type": "2", "from": "phone", "redirect_type": 2,
	} {
		send("/start/face", member, wrong)
	}
	for member, wrong := range map[string]any{"flow": "other", "sign": "x", "code": "x"} {
		send("/check", member, wrong)
	}
	send("/api/server/getfaceid", "userId", 1)
	list = append(list, exchange{method: "POST", target: "/api/server/getfaceid", body: `{"webankAppId":1,"orderNo":"order1","userId":"user1"}`, status: 400})
	return list
}
