package endtoend

import (
	"encoding/json"
	"maps"
	"testing"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
)

// eventTransports are those that take more than HTTP.
var eventTransports = []transport{transports[0], transports[3]}

// invoke runs an invocation, and keeps what it says of its own.
func (w *world) invoke(payload string) gateway.Result {
	w.t.Helper()
	result, err := w.event.Invoke(w.t.Context(), []byte(payload))
	if err != nil {
		w.t.Fatal(err)
	}
	if result.Error != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told.WriteString(result.Error.Message + "\n")
	}
	return result
}

// TestDirectInvocation holds invocations to section 4: the upstream's JSON whatever its code, or an
// error whose message is the body that the routes would have answered with.
func TestDirectInvocation(t *testing.T) {
	t.Parallel()
	throughThese(t, eventTransports, func(t *testing.T, over transport) {
		w := open(t, over, setting{})
		for _, c := range []struct {
			payload string
			code    string // of the error; "" for the upstream's JSON
			sends   string
		}{
			{payload: `{"type":"bankcard","order_no":"card1"}`},
			{payload: `{"action":"query","type":"idcard","order_no":"person1","get_file":"1","get_native":1}`, sends: "get_file=1&get_native=1"},
			{payload: `{"type":"idcard","order_no":"person2","get_file":true,"get_native":false,"app_id":"` + secondApp + `","other":"stray-canary"}`, sends: "get_file=1&app_id=" + secondApp},
			{payload: `{"type":"bankcard","order_no":"notfound1","get_file":0}`},
			{payload: `{"type":"bankcard","order_no":"throttled1"}`},
			{payload: `{"type":"bankcard","order_no":"rejected1"}`},
			{payload: `{"type":"idcard","order_no":"odd1"}`},
			{payload: `{"type":"bankcard","order_no":"stray-canary"}`, code: "InvalidParameterValue.OrderNo"},
			{payload: `{"type":"bankcard","order_no":12345678}`, code: "InvalidParameterValue.OrderNo"},
			{payload: `{"type":"bankcard","action":"query"}`, code: "InvalidParameterValue.OrderNo"},
			{payload: `{"type":"bankcard","order_no":"card1","app_id":"stray-canary"}`, code: "InvalidParameterValue.AppId"},
			{payload: `{"type":"bankcard","order_no":"card2","app_id":null,"action":""}`},
			{payload: `{"type":"bankcard","order_no":"card3","app_id":"","action":null}`},
			{payload: `{"type":"bankcard","order_no":"card1","app_id":0}`, code: "InvalidParameterValue.AppId"},
			{payload: `{"type":"stray-canary","order_no":"card1"}`, code: "ResourceNotFound"},
			{payload: `{"order_no":"card1"}`, code: "ResourceNotFound"},
			{payload: `{"type":"bankcard","order_no":"html1"}`, code: "FailedOperation.UpstreamBadResponse"},
			{payload: `{"type":"bankcard","order_no":"reset1"}`, code: "FailedOperation.UpstreamUnreachable"},
			{payload: `{"type":"bankcard","order_no":"huge1","get_file":1}`, code: "FailedOperation.ResponseTooLarge"},
		} {
			result := w.invoke(c.payload)
			if c.code != "" {
				if result.Error == nil {
					t.Errorf("%s: no error but %.200s", c.payload, result.Payload)
					continue
				}
				checkErrorBody(t, []byte(result.Error.Message), c.code, result.RequestID)
				continue
			}
			if result.Error != nil {
				t.Errorf("%s: %s", c.payload, result.Error.Message)
				continue
			}
			a := answer{header: map[string][]string{"Content-Type": {jsonType}}, body: result.Payload}
			a.checkRelayed(t, w)
			if c.sends != "" {
				exchange{sends: c.sends}.checkSent(t, w)
			}
		}
	})
}

func TestTimerRenewsWhatIsDue(t *testing.T) {
	t.Parallel()
	const timer = `{"Type":"Timer","TriggerName":"refresh","Time":"2019-02-21T11:49:00Z","Message":"stray-canary"}`
	throughThese(t, eventTransports, func(t *testing.T, over transport) {
		w := open(t, over, setting{simulator: simulator.Config{Apps: map[string]string{
			firstApp: secrets[firstApp], secondApp: "another", thirdApp: secrets[thirdApp],
		}}})
		w.expectStatus("/ocr/bankcard/card1", 200)
		for _, c := range []struct{ payload, want string }{
			{timer, `{"renewed":["` + thirdApp + `"],"fresh":["` + firstApp + `"],"failed":["` + secondApp + `"]}`},
			{`{"action":"renew"}`, `{"renewed":[],"fresh":["` + firstApp + `","` + thirdApp + `"],"failed":["` + secondApp + `"]}`},
		} {
			if result := w.invoke(c.payload); result.Error != nil || string(result.Payload) != c.want {
				t.Errorf("got %s, %+v, want %s", result.Payload, result.Error, c.want)
			}
		}
		w.expectMinted(1, 1)
	})
}

func TestUnknownEventsAreNamedByTheirKeys(t *testing.T) {
	t.Parallel()
	w := open(t, transports[0], setting{})
	for payload, words := range map[string][]string{
		`{"what":"stray-canary","is":{"this":"stray-canary"}}`: {`"what"`, `"is"`},
		`{}`:               {"event"},
		`[1,2]`:            {"not a JSON object"},
		`null`:             {"not a JSON object"},
		`"stray-canary"`:   {"not a JSON object"},
		`{"stray-canary":`: {"not a JSON object"},
		``:                 {"not a JSON object"},
		`{"action":"stray-canary","order_no":"card1"}`: {"action"},
	} {
		result := w.invoke(payload)
		if result.Error == nil || result.Error.ShouldExit {
			t.Errorf("%s: got %s, %+v", payload, result.Payload, result.Error)
			continue
		}
		for _, word := range words {
			if !contains(result.Error.Message, word) {
				t.Errorf("%s: the error does not say %s: %s", payload, word, result.Error.Message)
			}
		}
	}
}

// TestEventsOfOtherForms brings HTTP in forms that the local runtime does not send.
func TestEventsOfOtherForms(t *testing.T) {
	t.Parallel()
	w := open(t, transports[0], setting{})
	const get, auth = `"httpMethod":"GET"`, `"headers":{"authorization":"Bearer ` + aliceToken + `"}`
	for name, c := range map[string]struct {
		event  string
		status int
	}{
		"a header as a list":        {`{` + get + `,"path":"/ocr/bankcard/card1","headers":{"Authorization":["Bearer ` + aliceToken + `"]}}`, 200},
		"a header twice":            {`{` + get + `,"path":"/ocr/bankcard/card1","headers":{"Authorization":"Bearer ` + aliceToken + `","authorization":"Bearer ` + aliceToken + `"}}`, 401},
		"headers null":              {`{` + get + `,"path":"/ocr/bankcard/card1","headers":null}`, 401},
		"no query":                  {`{` + get + `,"path":"/ocr/bankcard/card1",` + auth + `}`, 200},
		"query null":                {`{` + get + `,"path":"/ocr/bankcard/card1",` + auth + `,"queryString":null}`, 200},
		"query as text":             {`{` + get + `,"path":"/api/server/getOcrResult",` + auth + `,"queryString":"order_no=person%31"}`, 200},
		"query as numbers":          {`{` + get + `,"path":"/api/server/getOcrResult",` + auth + `,"queryString":{"order_no":12345678,"get_file":1}}`, 200},
		"a list of one":             {`{` + get + `,"path":"/api/server/getOcrResult",` + auth + `,"queryString":{"order_no":["person1"]}}`, 200},
		"a list of two":             {`{` + get + `,"path":"/api/server/getOcrResult",` + auth + `,"queryString":{"order_no":["person1","person1"]}}`, 400},
		"an empty list":             {`{` + get + `,"path":"/api/server/getOcrResult",` + auth + `,"queryString":{"order_no":[]}}`, 400},
		"a key twice in the object": {`{` + get + `,"path":"/api/server/getOcrResult",` + auth + `,"queryString":{"order_no":"a","order_no":"b"}}`, 400},
		"an object as a value":      {`{` + get + `,"path":"/api/server/getOcrResult",` + auth + `,"queryString":{"order_no":{"a":"stray-canary"}}}`, 400},
		"the older field":           {`{` + get + `,"path":"/api/server/getOcrResult",` + auth + `,"queryStringParameters":{"order_no":"person1"}}`, 200},
		"no path":                   {`{` + get + `,` + auth + `}`, 404},
		"no method":                 {`{"httpMethod":null,"path":"/ocr/bankcard/card1",` + auth + `}`, 405},
	} {
		result := w.invoke(c.event)
		var response struct {
			StatusCode      int
			Headers         map[string]string
			Body            *string
			IsBase64Encoded *bool
		}
		if err := json.Unmarshal(result.Payload, &response); err != nil {
			t.Errorf("%s: %v %+v", name, err, result.Error)
			continue
		}
		if response.StatusCode != c.status || response.Body == nil || response.IsBase64Encoded == nil || *response.IsBase64Encoded {
			t.Errorf("%s: got %s, want status %d", name, result.Payload, c.status)
		}
		if !maps.Equal(response.Headers, map[string]string{
			"Content-Type": jsonType, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
			"X-Request-Id": result.RequestID, "WWW-Authenticate": response.Headers["WWW-Authenticate"], "Allow": response.Headers["Allow"],
		}) && c.status == 200 && len(response.Headers) != 4 {
			t.Errorf("%s: headers %v", name, response.Headers)
		}
	}
}
