// Command floor does the least that a relay can do: it reads the upstream's body into the
// buffer of the last one, and returns a payload of the same size that was made before.
package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"

	"github.com/tencentyun/scf-go-lib/cloudfunction"
)

type floor struct{ payload, buffer []byte }

func (f *floor) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	response, err := http.Get(os.Getenv("KYC_BASE_URL") + "/api/server/getBankCardOcrResult?order_no=" + order(event))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.ContentLength > int64(len(f.buffer)) {
		f.buffer = make([]byte, response.ContentLength)
	}
	body := f.buffer[:response.ContentLength]
	if _, err := io.ReadFull(response.Body, body); err != nil {
		return nil, err
	}
	if len(f.payload) != len(body) {
		f.payload = bytes.Repeat([]byte("x"), len(body))
	}
	return f.payload, nil
}

// order cuts the order number out of a Function URL event.
func order(event []byte) string {
	_, rest, _ := bytes.Cut(event, []byte("/ocr/bankcard/"))
	number, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(number)
}

func main() { cloudfunction.StartHandler(&floor{}) }
