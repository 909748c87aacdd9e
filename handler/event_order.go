package handler

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"path"
	"strings"

	"kyc-ocr-relay/internal/jsonscan"
	"kyc-ocr-relay/internal/upstream"
)

// The kinds of event that bring order messages, by their names in the log.
const (
	eventInvoke = "invoke"
	eventCKafka = "ckafka"
	eventBridge = "eventbridge"
	eventCOS    = "cos"
)

// record is one element of an event: an order message as somebody wrote it.
type record struct {
	kind string
	text string // the message, or the key of a COS object
	// reason says why there is no message to read; then text is the element.
	reason string
	// foreign is an element that means no order: an object with a name of another form, or
	// one that was deleted.
	foreign bool
}

// records finds the order messages in the events of CKafka, COS and EventBridge. The
// documents spell and nest them in several ways: names are taken in any case, a message
// as text or as the object itself. What is none of these events is not ok.
func records(payload []byte) (list []record, ok bool) {
	var event struct{ Records, EventList elements }
	if errors.Is(json.Unmarshal(payload, &event), errManyElements) {
		return nil, false
	}
	elements := event.Records
	if elements == nil {
		elements = event.EventList
	}
	if elements == nil {
		r, ok := cloudEvent(payload)
		return []record{r}, ok
	}
	known := 0
	for _, raw := range elements {
		r, ok := decode(raw)
		if ok {
			known++
		}
		list = append(list, r)
	}
	return list, known > 0 || len(elements) == 0
}

// mostElements bounds what a small event can make of the memory. An element that names
// an order has a hundred bytes and more: so many do not fit in the platform's 6 MB.
const mostElements = PlatformLimit / 96

var errManyElements = errors.New("too many elements")

// elements is a list; another type stays nil.
type elements []json.RawMessage

func (e *elements) UnmarshalJSON(list []byte) error {
	d := json.NewDecoder(bytes.NewReader(list))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil
	}
	*e = elements{}
	for d.More() {
		var raw json.RawMessage
		if len(*e) == mostElements || d.Decode(&raw) != nil {
			*e = nil
			return errManyElements
		}
		*e = append(*e, raw)
	}
	return nil
}

// element has what is known of an element of any of the events.
type element struct {
	CKafka *struct{ MsgBody json.RawMessage }
	COS    *struct {
		CosObject struct{ Key string }
	}
	Event      struct{ EventName string }
	Data       json.RawMessage
	DataBase64 *string `json:"data_base64"`

	SpecVersion, Source, ID json.RawMessage
}

// decode reads an element. One of an unknown kind is malformed among known ones.
func decode(raw json.RawMessage) (record, bool) {
	var e element
	_ = json.Unmarshal(raw, &e) // a member of another type stays empty
	switch {
	case e.CKafka != nil:
		return message(eventCKafka, e.CKafka.MsgBody, raw), true
	case e.COS != nil:
		return object(e.COS.CosObject.Key, e.Event.EventName), true
	}
	return cloudEvent(raw)
}

// cloudEvent reads an event of EventBridge.
func cloudEvent(raw json.RawMessage) (record, bool) {
	var e element
	_ = json.Unmarshal(raw, &e) // a member of another type stays empty
	switch {
	case e.SpecVersion == nil && (e.Source == nil || e.ID == nil):
		return record{kind: eventBridge, text: string(raw), reason: "an element of an unknown kind"}, false
	case e.DataBase64 == nil:
		return data(e.Data, raw), true
	}
	decoded, err := base64.StdEncoding.DecodeString(*e.DataBase64)
	if err != nil {
		return record{kind: eventBridge, text: string(raw), reason: "data_base64 is not Base64"}, true
	}
	return record{kind: eventBridge, text: string(decoded)}, true
}

// data reads what an EventBridge event carries: the message itself, or what TDMQ,
// CKafka or COS said.
func data(raw, event json.RawMessage) record {
	var d struct {
		element
		MsgBody json.RawMessage
	}
	_ = json.Unmarshal(raw, &d) // a member of another type stays empty
	switch {
	case d.MsgBody != nil:
		return message(eventBridge, d.MsgBody, event)
	case d.COS != nil:
		return object(d.COS.CosObject.Key, d.Event.EventName)
	}
	return message(eventBridge, raw, event)
}

// message takes the message out of its JSON: of a string what it holds, else the JSON
// itself.
func message(kind string, raw, whole json.RawMessage) record {
	if len(raw) == 0 || string(raw) == "null" {
		return record{kind: kind, text: string(whole), reason: "no message"}
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return record{kind: kind, text: s}
	}
	return record{kind: kind, text: string(raw)}
}

// object reads the key of a COS object, which may be URL-encoded. Only one that was
// created, with a key like …/{type}/{order_no}.json, is an order. An archive may be in
// the same bucket: what it writes must not become an event that writes again.
func object(key, event string) record {
	r := record{kind: eventCOS, text: key}
	if decoded, err := url.PathUnescape(key); err == nil {
		key = decoded
	}
	dir, name := path.Split(key)
	r.foreign = !strings.Contains(event, "ObjectCreated") || !strings.HasSuffix(name, ".json") ||
		dir == "" || name == "result.json" || path.Base(dir) == "rejected"
	return r
}

// order reads a record strictly. The reason says why it is no order.
func (r *Relay) order(rec record) (q upstream.Query, reason string) {
	if rec.reason != "" {
		return q, rec.reason
	}
	fields := map[string]json.RawMessage{}
	if rec.kind == eventCOS {
		q = r.keyed(rec.text)
	} else {
		if err := json.Unmarshal([]byte(rec.text), &fields); err != nil || fields == nil {
			return q, "not a JSON object"
		}
		q = r.asked(fields)
	}
	if !q.Type.IsKnown() {
		return q, "type must be bankcard or idcard"
	}
	if fail := r.check(&q); fail != nil {
		return q, fail.msg
	}
	return q, ""
}

// keyed reads the key of a COS object.
func (r *Relay) keyed(key string) upstream.Query {
	if decoded, err := url.PathUnescape(key); err == nil {
		key = decoded
	}
	dir, name := path.Split(key)
	return upstream.Query{
		Type:    upstream.Type(path.Base(dir)),
		OrderNo: strings.TrimSuffix(name, ".json"),
		AppID:   r.DefaultApp,
	}
}

// asked reads what names an order, in a message as in a direct invocation. Serializers
// write null or "" for a member that is not set: it was left out.
func (r *Relay) asked(fields map[string]json.RawMessage) upstream.Query {
	q := upstream.Query{
		Type:    upstream.Type(jsonscan.Text(fields["type"])),
		OrderNo: jsonscan.Text(fields["order_no"]),
		AppID:   r.DefaultApp,
	}
	if app := fields["app_id"]; !isUnset(app) {
		q.AppID = jsonscan.Text(app)
	}
	return q
}

// isUnset reports whether a member is not there, or is null or "".
func isUnset(raw json.RawMessage) bool {
	return len(raw) == 0 || string(raw) == "null" || string(raw) == `""`
}
