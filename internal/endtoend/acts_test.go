package endtoend

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/upstream"
)

// act is a request that makes the function call the upstream: a route, and what is sent there.
// Both have %s where the order number stands.
type act struct {
	name   string // of letters alone: it goes into order numbers
	target string
	body   string // of a POST; "" is a GET
	scope  string
	call   upstream.Call // that is signed; "" where only a NONCE ticket is fetched
	gives  string        // "" the upstream's JSON; "photo" or "video" of a face; "start" what a front end starts with
}

// What a face is compared with. Nobody has the number.
const (
	person    = `"name":"欧阳测试","idNo":"000000199001011234"`
	ownPerson = `"user_id":"userOfTheFlow","name":"欧阳测试","id_no":"000000199001011234"`
)

// portrait is a picture as the vendor takes it, as far as anybody looks at it.
var portrait = base64.StdEncoding.EncodeToString([]byte("\xff\xd8\xff\xe0" + strings.Repeat("the source photo of a canary ", 50)))

// dropIns are the members that each of the upstream's signed calls needs beside what is put in for
// the caller; of a GET, the parameters.
var dropIns = map[upstream.Call]string{
	upstream.BankCardResult: "",
	upstream.IDCardResult:   "get_file=1",
	upstream.FaceSync:       "get_file=1",

	upstream.FaceID:     `"userId":"userOfTheFlow",` + person,
	upstream.AdvFaceID:  `"userId":"userOfTheFlow","sourcePhotoStr":"` + portrait + `","sourcePhotoType":"2"`,
	upstream.PlusFaceID: `"userId":"userOfTheFlow",` + person + `,"sourcePhotoStr":"` + portrait + `"`,
	upstream.WillFaceID: `"userId":"userOfTheFlow",` + person + `,"willType":["not looked at"]`,
	upstream.H5FaceID:   `"userId":"userOfTheFlow",` + person,
	upstream.OCRCertID:  `"userId":"userOfTheFlow"`,

	upstream.FaceRecord: `"getFile":"1","queryVersion":"1.0"`,
	upstream.FacePhotos: ``,
	upstream.WillResult: `"getFile":"2","getWillFile":"1"`,

	upstream.IDCardPicture:   `"cardType":"0","idcardStr":"` + portrait + `"`,
	upstream.BankCardPicture: `"bankcardStr":"` + portrait + `"`,
	upstream.DriverPicture:   `"imageStr":"` + portrait + `"`,
	upstream.VehiclePicture:  `"imageStr":"` + portrait + `","vehicleLicenseSide":"1"`,
}

// scopeOf is the scope that a call needs: section 3b of the contract.
var scopeOf = map[string]string{"result": "ocr", "picture": "ocr", "face result": "face", "face id": "start", "certificate id": "start"}

// products are those of /start/face with the call that uploads for each.
var products = map[string]upstream.Call{
	"basic": upstream.FaceID, "enhanced": upstream.AdvFaceID, "plus": upstream.PlusFaceID, "will": upstream.WillFaceID,
	"h5": upstream.AdvFaceID, "h5plus": upstream.PlusFaceID, "pch5": upstream.H5FaceID,
}

// acts has every call of the upstream as a drop-in, and the routes of the function's own.
var acts = func() (list []act) {
	for _, call := range slices.Sorted(maps.Keys(dropIns)) {
		a := act{name: call.Path()[strings.LastIndex(call.Path(), "/")+1:], target: call.Path(), scope: scopeOf[call.Step()], call: call}
		if call.Method() == http.MethodGet {
			a.target += "?order_no=%s&" + dropIns[call]
		} else {
			a.body = strings.TrimSuffix(`{"orderNo":"%s",`+dropIns[call], ",") + `}`
		}
		list = append(list, a)
	}
	for _, product := range slices.Sorted(maps.Keys(products)) {
		list = append(list, act{"start" + product, "/start/face",
			`{"order_no":"%s","product":"` + product + `",` + ownPerson + `,"url":"https://shop.example/back?a=b%%20c","source_photo":"` + portrait + `","unknown":1}`,
			"start", products[product], "start"})
	}
	return append(list,
		act{"startocr", "/start/ocr", `{"order_no":"%s","user_id":"userOfTheFlow"}`, "start", "", "start"},
		act{"card", "/ocr/bankcard/%s?get_file=1", "", "ocr", upstream.BankCardResult, ""},
		act{"face", "/face/%s?get_file=3", "", "face", upstream.FaceRecord, ""},
		act{"facewill", "/face/%s?product=will", "", "face", upstream.WillResult, ""},
		act{"facephoto", "/face/%s/photo", "", "face", upstream.FaceRecord, "photo"},
		act{"facevideo", "/face/%s/video", "", "face", upstream.FaceRecord, "video"},
		act{"facewillphoto", "/face/%s/photo?product=will", "", "face", upstream.WillResult, "photo"},
	)
}()

// TestEveryCallIsAnAct keeps the table whole.
func TestEveryCallIsAnAct(t *testing.T) {
	for _, call := range upstream.Calls() {
		if _, there := dropIns[call]; !there {
			t.Errorf("%s is not in the table", call)
		}
	}
	if len(dropIns) != len(upstream.Calls()) {
		t.Errorf("%d calls in the table, want %d", len(dropIns), len(upstream.Calls()))
	}
}

// method is what the route takes.
func (a act) method() string {
	if a.body == "" {
		return http.MethodGet
	}
	return http.MethodPost
}

// once reports whether the call may not be sent again once it may have arrived.
func (a act) once() bool { return a.call.Method() == http.MethodPost }

// asks is how many signed calls it comes to when all goes well.
func (a act) asks() int {
	if a.call == "" {
		return 0
	}
	return 1
}

// order is an order number of the act, for which the simulator does what the scenario says.
func (a act) order(scenario string) string { return scenario + a.name }

// app names another app, by a parameter or by a member in front of the others.
func (a act) app(member, id string) act {
	switch {
	case a.body != "":
		a.body = `{"` + member + `":"` + id + `",` + a.body[1:]
	case strings.Contains(a.target, "?"):
		a.target += "&" + member + "=" + id
	default:
		a.target += "?" + member + "=" + id
	}
	return a
}

// appMember is a name of the app that the act takes.
func (a act) appMember() string {
	if a.body != "" && strings.HasPrefix(a.target, "/api/") {
		return "appId"
	}
	return "app_id"
}

// exchange is the act for an order, and what comes of it when all goes well.
func (a act) exchange(order string) exchange {
	e := exchange{name: a.name, method: a.method(), target: a.target, body: a.body, status: 200, asks: a.asks()}
	if a.body == "" {
		e.target = fmt.Sprintf(a.target, order)
		if call := a.call; call.Method() == http.MethodGet && call.AsksFor() != "" && strings.Contains(a.target, "get_file=1") {
			e.sends = "get_file=1"
		}
	} else {
		e.body = fmt.Sprintf(a.body, order)
	}
	switch a.gives {
	case "start":
		e.also = isStart(order)
	case "photo":
		e.also = isPhoto("face", order, "photo")
	case "video":
		e.also = func(t *testing.T, w *world, got *answer) {
			t.Helper()
			isImage("video/mp4", string(w.sim.Photos("face", order)["video"]))(t, w, got)
		}
	}
	return e
}

// refused is the act for an order where the upstream does not do it.
func (a act) refused(order string, status int, code string) exchange {
	e := a.exchange(order)
	e.status, e.code, e.also = status, code, nil
	return e
}

// unasked is the act for an order where the upstream is not asked.
func (a act) unasked(name, order string, status int, code string) exchange {
	e := a.refused(order, status, code)
	e.name, e.asks, e.silent, e.sends = a.name+", "+name, 0, true, ""
	return e
}

// isStart expects what the vendor's client starts with.
func isStart(order string) func(*testing.T, *world, *answer) {
	return func(t *testing.T, w *world, a *answer) {
		t.Helper()
		start := started(t, a)
		if start.OrderNo != order || start.UserID != "userOfTheFlow" || start.Version != "1.0.0" || len(start.Nonce) != 32 || len(start.Sign) != 40 {
			t.Errorf("order %s is started with %+v", order, start)
		}
	}
}

// beginning is what a front end is given.
type beginning struct {
	simulator.Start
	Code   string `json:"code"`
	Domain string `json:"optimalDomain"`
	URL    string `json:"url"`
}

// actTransports are the two kinds of function, and the two ways in which a body comes in an event.
var actTransports = []transport{webTransport, transports[0], transports[3]}
