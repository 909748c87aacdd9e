package order

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"path"
	"strings"
)

// Decode finds the order messages in an event of CKafka, COS or EventBridge. The
// documents spell and nest them in several ways: names are taken in any case, a message
// as text or as the object itself. What is none of these events is not ok.
func Decode(payload []byte) (list []Message, ok bool) {
	var event struct{ Records, EventList elements }
	if errors.Is(json.Unmarshal(payload, &event), errManyElements) {
		return nil, false
	}
	elements := event.Records
	if elements == nil {
		elements = event.EventList
	}
	if elements == nil {
		m, ok := cloudEvent(payload)
		return []Message{m}, ok
	}
	known := 0
	for _, raw := range elements {
		m, ok := decode(raw)
		if ok {
			known++
		}
		list = append(list, m)
	}
	return list, known > 0 || len(elements) == 0
}

// mostElements bounds what a small event can make of the memory. An element that names
// an order has a hundred bytes and more: so many do not fit in the platform's 6 MB.
const mostElements = 6 << 20 / 96

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
func decode(raw json.RawMessage) (Message, bool) {
	var e element
	_ = json.Unmarshal(raw, &e) // a member of another type stays empty
	switch {
	case e.CKafka != nil:
		return message(CKafka, e.CKafka.MsgBody, raw), true
	case e.COS != nil:
		return object(e.COS.CosObject.Key, e.Event.EventName), true
	}
	return cloudEvent(raw)
}

// cloudEvent reads an event of EventBridge.
func cloudEvent(raw json.RawMessage) (Message, bool) {
	var e element
	_ = json.Unmarshal(raw, &e) // a member of another type stays empty
	switch {
	case e.SpecVersion == nil && (e.Source == nil || e.ID == nil):
		return Message{Kind: EventBridge, Text: string(raw), Reason: "an element of an unknown kind"}, false
	case e.DataBase64 == nil:
		return data(e.Data, raw), true
	}
	decoded, err := base64.StdEncoding.DecodeString(*e.DataBase64)
	if err != nil {
		return Message{Kind: EventBridge, Text: string(raw), Reason: "data_base64 is not Base64"}, true
	}
	return Message{Kind: EventBridge, Text: string(decoded)}, true
}

// data reads what an EventBridge event carries: the message itself, or what TDMQ,
// CKafka or COS said.
func data(raw, event json.RawMessage) Message {
	var d struct {
		element
		MsgBody json.RawMessage
	}
	_ = json.Unmarshal(raw, &d) // a member of another type stays empty
	switch {
	case d.MsgBody != nil:
		return message(EventBridge, d.MsgBody, event)
	case d.COS != nil:
		return object(d.COS.CosObject.Key, d.Event.EventName)
	}
	return message(EventBridge, raw, event)
}

// message takes the message out of its JSON: of a string what it holds, else the JSON
// itself.
func message(kind string, raw, whole json.RawMessage) Message {
	if len(raw) == 0 || string(raw) == "null" {
		return Message{Kind: kind, Text: string(whole), Reason: "no message"}
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return Message{Kind: kind, Text: s}
	}
	return Message{Kind: kind, Text: string(raw)}
}

// object reads the key of a COS object, which may be URL-encoded. Only one that was
// created, with a key like …/{type}/{order_no}.json, is an order. An archive may be in
// the same bucket: what it writes must not become an event that writes again.
func object(key, event string) Message {
	m := Message{Kind: COS, Text: key}
	if decoded, err := url.PathUnescape(key); err == nil {
		key = decoded
	}
	dir, name := path.Split(key)
	m.Foreign = !strings.Contains(event, "ObjectCreated") || !strings.HasSuffix(name, ".json") ||
		dir == "" || name == "result.json" || path.Base(dir) == "rejected"
	return m
}
