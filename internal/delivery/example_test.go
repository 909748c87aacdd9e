package delivery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"kyc-ocr-relay/internal/delivery"
	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/upstream"
)

// A backend verifies what its webhook is told before it believes it: with DELIVER_SECRET, by any
// library for Standard Webhooks. A message that comes again has the same webhook-id.
func Example_verify() {
	const shared = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" // DELIVER_SECRET, on both sides
	verifier, err := standardwebhooks.NewWebhook(shared)
	if err != nil {
		panic(err)
	}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err == nil {
			err = verifier.Verify(body, r.Header)
		}
		if err != nil {
			http.Error(w, "not from the relay", http.StatusUnauthorized)
			return
		}
		var message struct {
			Type string
			Data struct {
				Order  string `json:"order_no"`
				Result struct{ Code string }
			}
		}
		if json.Unmarshal(body, &message) == nil {
			fmt.Println(message.Type, message.Data.Order, message.Data.Result.Code)
		}
	}))
	defer backend.Close()

	// The function's side, which DELIVER_TO and DELIVER_SECRET set up.
	sinks, err := delivery.Open(delivery.Config{To: []secret.Text{secret.New(backend.URL)}, Secret: secret.New(shared)})
	if err != nil {
		panic(err)
	}
	defer sinks.Close()
	report, err := delivery.Batch{
		Sinks: sinks,
		Read: func(order.Message) (upstream.Query, error) {
			return upstream.Query{Type: upstream.BankCard, AppID: "IDA00001", OrderNo: "order1"}, nil
		},
		Ask: func(context.Context, upstream.Query, *upstream.Trace) (*upstream.Answer, error) {
			return &upstream.Answer{Class: upstream.Business, Body: []byte(`{"code":"-9012"}`)}, nil
		},
		Log: slog.New(slog.DiscardHandler),
	}.Deliver(context.Background(), []order.Message{{Kind: order.Invoke}})
	fmt.Println(report.Delivered, err)
	// Output:
	// ocr.delivered order1 -9012
	// [IDA00001/bankcard/order1] <nil>
}
