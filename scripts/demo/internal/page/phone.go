package page

import (
	"errors"
	"net/http"

	"kyc-ocr-relay/internal/simulator"
)

// phone is the client of a user: the SDK for OCR or for a face, or a browser on the vendor's page.
// It takes what a start answered, and says what the client hands back.
func (s *server) phone(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Function, Client string
		Start            struct {
			simulator.Start
			URL string `json:"url"`
		}
	}
	if !read(w, r, &q) {
		return
	}
	f := s.named(q.Function)
	if f == nil {
		http.Error(w, "no such function", http.StatusBadRequest)
		return
	}
	var answer struct {
		Code     string `json:"code,omitempty"`
		OrderNo  string `json:"orderNo,omitempty"`
		Sign     string `json:"sign,omitempty"`
		Callback string `json:"callback,omitempty"` // the URL that a page sends the browser to
		Refusal  string `json:"refusal,omitempty"`
	}
	var back simulator.Callback
	var err error
	switch q.Client {
	case "ocr":
		back, err = f.Upstream.RunOCR(q.Start.Start)
	case "face":
		back, err = f.Upstream.RunFace(q.Start.Start)
	case "h5":
		answer.Callback, err = f.Upstream.RunH5(q.Start.URL)
	default:
		http.Error(w, "client is ocr, face or h5", http.StatusBadRequest)
		return
	}
	answer.Code, answer.OrderNo, answer.Sign = back.Code, back.OrderNo, back.Sign
	if err != nil {
		answer.Refusal = err.Error()
		if refusal := new(simulator.Refusal); !errors.As(err, &refusal) {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	reply(w, answer)
}
