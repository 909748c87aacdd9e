package endtoend

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/upstream"
)

// checkAct is a check of what nobody has signed. It asks nobody once there is a pair.
var checkAct = act{"check", "/check", `{"order_no":"%s","flow":"face","code":"0","sign":"` + strings.Repeat("0a", 20) + `"}`, "check", "", "check"}

// posts are the routes that take a body.
var posts = func() (list []act) {
	for _, a := range acts {
		if a.body != "" {
			list = append(list, a)
		}
	}
	return append(list, checkAct)
}()

// perPost are exchanges of every route that takes a body.
func perPost(row func(a act) []exchange) (list []exchange) {
	for _, a := range posts {
		list = append(list, row(a)...)
	}
	return list
}

// largeBody is the size of a body that is near the platform's limit, in an event, too.
const largeBody = 59 << 20 / 10

// padded is a body with white space up to a size, where a member follows.
func padded(body string, size int) string {
	return "{" + strings.Repeat(" ", size-len(body)) + body[1:]
}

// isPassedOn expects the upstream's answer, and that the upstream has got what the caller sent: the
// members after the app's, byte for byte, behind what the function puts in.
func isPassedOn(member, app, rest string) func(*testing.T, *world, *answer) {
	return func(t *testing.T, w *world, a *answer) {
		t.Helper()
		a.checkRelayed(t, w)
		sent := string(w.witness.posted())
		if head := `{"` + member + `":"` + app + `","version":"1.0.0","`; !strings.HasPrefix(sent, head) {
			t.Errorf("the upstream got %.100s, want %s first", sent, head)
		}
		if !strings.HasSuffix(sent, ","+rest) || len(sent) > len(rest)+250 {
			t.Errorf("the upstream got %d bytes, %.300s, want %d behind the signed ones", len(sent), sent, len(rest))
		}
	}
}

// isDropIn reports whether the body of an act goes on as it is.
func (a act) isDropIn() bool { return strings.HasPrefix(a.target, "/api/") }

// actBodies are what becomes of bodies.
var actBodies = groups{
	{name: "whole", exchanges: perPost(func(a act) (list []exchange) {
		e := a.exchange(a.order("large"))
		e.name, e.body = a.name+", large", padded(e.body, largeBody)
		if a.isDropIn() {
			e.also = isPassedOn("appId", firstApp, e.body[1:])
		} else if a.gives == "check" {
			e.also = isValid(false)
		}
		list = append(list, e)
		if !a.isDropIn() {
			return list
		}
		for i, member := range []string{"appId", "app_id", "webankAppId"} {
			e := a.app(member, secondApp).exchange(a.order(fmt.Sprint("app", i)))
			rest, _ := strings.CutPrefix(e.body, `{"`+member+`":"`+secondApp+`",`)
			e.name, e.also = a.name+", "+member, isPassedOn(member, secondApp, rest)
			list = append(list, e)
			// What the caller has signed, and where the app stands behind, go another way to the same.
			e = a.exchange(a.order(fmt.Sprint("end", i)))
			rest = e.body[1:]
			e.body = `{"nonce":"strayNonce","sign":{"stray":["canary"]},"version":9,` + strings.TrimSuffix(rest, "}") + ` , "` + member + `" : "` + secondApp + `" }`
			e.name = a.name + ", " + member + " behind"
			e.also = isPassedOn(member, secondApp, rest)
			list = append(list, e)
		}
		return list
	})},
	{name: "own routes name the app by app_id", exchanges: perPost(func(a act) []exchange {
		if a.isDropIn() {
			return nil
		}
		e := a.app("appId", "stray-canary").app("webankAppId", "stray-canary").app("app_id", secondApp).exchange(a.order("own"))
		if a.gives == "check" {
			e.also = isValid(false)
		} else {
			e.also = func(t *testing.T, _ *world, got *answer) {
				if start := started(t, got); start.AppID != secondApp {
					t.Errorf("started for %s", start.AppID)
				}
			}
		}
		return []exchange{e}
	})},
	{name: "broken", exchanges: perPost(func(a act) (list []exchange) {
		good := a.exchange(a.order("broken")).body
		for name, body := range map[string]string{
			"one byte": "{", "one digit": "1", "a space": " ", "null": "null", "text": `"stray-canary"`, "a list": "[" + good + "]",
			"an open end": strings.TrimSuffix(good, "}"), "a comma at the end": strings.TrimSuffix(good, "}") + ",}",
			"two objects": good + good, "something behind": good + "x", "quotes of another language": `{'a':1}`,
			"a line break in text": "{\"a\":\"\n\"," + good[1:], "an escape that is none": `{"a":"\x",` + good[1:],
			"deep":              `{"a":` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + "," + good[1:],
			"a form":            "order_no=stray-canary&sign=stray-canary",
			"a byte order mark": "\ufeff" + good,
		} {
			e := a.unasked(name, "", 400, "InvalidParameter.Body")
			e.body = body
			list = append(list, e)
		}
		return list
	})},
	{name: "a member twice", exchanges: perPost(func(a act) (list []exchange) {
		good := a.exchange(a.order("twice")).body
		twice := map[string]string{"order_no": `"order_no":"a"`, "app_id": `"app_id":"a","app_id":"a"`}
		if a.isDropIn() {
			twice = map[string]string{"orderNo": `"orderNo":"a"`, "nonce": `"nonce":"a","nonce":"a"`, "unknown": `"unknown":1,"unknown":1`,
				"webankAppId": `"appId":"` + firstApp + `","webankAppId":"` + firstApp + `"`, "app_id": `"webankAppId":"` + firstApp + `","app_id":"` + firstApp + `"`,
				"sign": `"sign":"a","s\u0069gn":"a"`}
		}
		for member, extra := range twice {
			e := a.unasked(member, "", 400, "InvalidParameterValue.Duplicate")
			e.body, e.also = "{"+extra+","+good[1:], says(member)
			list = append(list, e)
		}
		return list
	})},
}

// isValid expects the answer to a check.
func isValid(valid bool) func(*testing.T, *world, *answer) {
	return func(t *testing.T, _ *world, a *answer) {
		t.Helper()
		if want := fmt.Sprintf(`{"valid":%t}`, valid); string(a.body) != want {
			t.Errorf("got %.200s, want %s", a.body, want)
		}
	}
}

func TestBodiesOfActs(t *testing.T) {
	t.Parallel()
	throughThese(t, actTransports[:2], actBodies.run)
}

// TestBodiesBeyondThePlatformsLimit goes round the platform, which refuses them itself: with a length
// that is announced nothing is read, in chunks as much as may be.
func TestBodiesBeyondThePlatformsLimit(t *testing.T) {
	t.Parallel()
	w := open(t, webTransport, setting{})
	const tooLarge = 7 << 20
	for _, a := range posts {
		e := a.exchange(a.order("toolarge"))
		for _, chunked := range []bool{false, true} {
			var body io.Reader = strings.NewReader(padded(e.body, tooLarge))
			if chunked {
				body = io.MultiReader(body)
			}
			r, err := http.NewRequestWithContext(t.Context(), a.method(), "http://"+w.web.Addr()+e.target, body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header = bearer(aliceToken)
			response, err := w.client.Do(r)
			if err != nil {
				t.Errorf("%s, in chunks %t: %v", a.name, chunked, err)
				continue
			}
			text, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(text), `"RequestSizeLimitExceeded"`) {
				t.Errorf("%s, in chunks %t: %d %.200s", a.name, chunked, response.StatusCode, text)
			}
		}
	}
	if calls, _ := w.witness.count(); calls != 0 {
		t.Errorf("%d calls of the upstream", calls)
	}
	if got := w.post("/check", padded(checkAct.body, tooLarge)); got.status != refusedByThePlatform {
		t.Errorf("through the platform: %d", got.status)
	}
	// 6 MB to the byte are taken.
	e := posts[0].exchange("sixmegabytes")
	if got := w.post(e.target, padded(e.body, gateway.MaxPayload)); got.status != 200 {
		t.Errorf("6 MB: %d %.200s", got.status, got.body)
	}
}

// TestAnEventCannotCarryMore has bodies that an event still carries, and that it does not.
func TestAnEventCannotCarryMore(t *testing.T) {
	t.Parallel()
	throughThese(t, actTransports[1:], func(t *testing.T, over transport) {
		w := open(t, over, setting{})
		e := act{"picture", upstream.IDCardPicture.Path(), `{"orderNo":"%s","cardType":"0","idcardStr":"` + portrait + `"}`, "", upstream.IDCardPicture, ""}.exchange("picture1")
		for size, status := range map[int]int{gateway.MaxPayload - 4<<10: 200, gateway.MaxPayload: refusedByThePlatform, gateway.MaxPayload + 1: refusedByThePlatform} {
			if got := w.post(e.target, padded(e.body, size)); got.status != status {
				t.Errorf("%d bytes: %d, want %d: %.200s", size, got.status, status, got.body)
			}
		}
	})
}

// TestBodiesThatAreNotUTF8 have no other form in an event than Base64, and that is decoded.
func TestBodiesThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	throughThese(t, actTransports[:2], func(t *testing.T, over transport) {
		w := open(t, over, setting{})
		for _, a := range posts {
			e := a.unasked("not UTF-8", "", 400, "InvalidParameter.Body")
			e.body = "{\"x\":\"\xff\xfe\"," + fmt.Sprintf(a.body, "order1")[1:]
			e.run(t, w)
		}
	})
}
