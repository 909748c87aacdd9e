// Package order reads the messages that say which result is to be fetched, out of the events
// that bring them.
package order

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"path"
	"strings"

	"kyc-ocr-relay/internal/jsonscan"
)

// The kinds of event that bring messages, by their names in the log.
const (
	Invoke      = "invoke"
	CKafka      = "ckafka"
	EventBridge = "eventbridge"
	COS         = "cos"
)

// Order names a result. Where it was checked, its parts are letters, digits, - and _: they
// are fit for a key and a file name.
type Order struct {
	AppID string
	Type  string
	No    string
}

// String returns {app_id}/{type}/{order_no}.
func (o Order) String() string { return o.AppID + "/" + o.Type + "/" + o.No }

// Hash stands for an order number in the log: enough to find its lines. That of "" is "".
func Hash(no string) string {
	if no == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(no))
	return hex.EncodeToString(sum[:6])
}

// IsNo reports whether s is an order number: 1 to 32 letters and digits (document 1007).
func IsNo(s string) bool {
	if len(s) < 1 || len(s) > 32 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// Message is one element of an event: an order message as somebody wrote it.
type Message struct {
	Kind string // of the event
	Text string // the message, or the key of a COS object
	// Reason says why there is no message to read; then Text is the element.
	Reason string
	// Foreign is an element that means no order: an object with a name of another form, or
	// one that was deleted.
	Foreign bool
}

// Order returns what the message names, unchecked; of the app byDefault, where it names no
// app. The error says why it names nothing.
func (m Message) Order(byDefault string) (Order, error) {
	if m.Reason != "" {
		return Order{}, errors.New(m.Reason)
	}
	if m.Kind == COS {
		o := keyed(m.Text)
		o.AppID = byDefault
		return o, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(m.Text), &members); err != nil || members == nil {
		return Order{}, errors.New("not a JSON object")
	}
	return Named(members, byDefault), nil
}

// Of returns the message that names o, as a direct invocation brings it.
func Of(o Order) Message {
	text, err := json.Marshal(map[string]string{"type": o.Type, "order_no": o.No, "app_id": o.AppID})
	if err != nil {
		panic(err) // text does not fail
	}
	return Message{Kind: Invoke, Text: string(text)}
}

// Named returns what the members of a message, or of a direct invocation, name, unchecked;
// of the app byDefault, where they name no app. Serializers write null or "" for a member
// that is not set: it was left out.
func Named(members map[string]json.RawMessage, byDefault string) Order {
	o := Order{AppID: byDefault, Type: jsonscan.Text(members["type"]), No: jsonscan.Text(members["order_no"])}
	if app := members["app_id"]; !IsUnset(app) {
		o.AppID = jsonscan.Text(app)
	}
	return o
}

// keyed returns what the key of a COS object names.
func keyed(key string) Order {
	if decoded, err := url.PathUnescape(key); err == nil {
		key = decoded
	}
	dir, name := path.Split(key)
	return Order{Type: path.Base(dir), No: strings.TrimSuffix(name, ".json")}
}

// IsUnset reports whether a member is not there, or is null or "".
func IsUnset(raw json.RawMessage) bool {
	return len(raw) == 0 || string(raw) == "null" || string(raw) == `""`
}
