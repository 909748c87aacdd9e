package handler

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"kyc-ocr-relay/internal/upstream"
)

// photo hands on one photo, or the video, of a result: the Base64 text that the upstream sent.
func (h *Handler) photo(ctx context.Context, x *exchange, call upstream.Call, p upstream.Params) *response {
	line, limit := x.line, x.limit
	p.WithNative, p.Limit = false, upstream.PhotosLimit
	switch p.Files = "1"; {
	case x.to.typ != upstream.Face:
	case x.to.photo == "photo":
		p.Files = "2"
	default:
		p.Files = "3"
	}
	answer, err := h.call(ctx, x, call, p)
	if err != nil {
		return line.fail(failed(err))
	}
	if answer.Class != upstream.Success {
		if resp := passOn(answer); len(resp.body) <= limit {
			return resp
		}
		return line.fail(failTooLarge)
	}
	text := answer.Photo(x.to.photo)
	if len(text) == 0 {
		return line.fail(failNoPhoto)
	}
	if !isBase64(text) {
		return line.fail(failBadPhoto)
	}
	if base64.StdEncoding.DecodedLen(len(text)) > limit {
		return line.fail(failPhotoTooLarge)
	}
	return &response{status: 200, contentType: sniff(text), body: text, base64: true, buffer: answer.Buffer}
}

// sniff tells the type of an image or a video from its first bytes. Anything else is sent as
// bytes without a meaning: a browser must not take it for a page.
func sniff(text []byte) string {
	head := text[:min(len(text), 684)] // 512 bytes, as much as is looked at
	decoded := make([]byte, base64.StdEncoding.DecodedLen(len(head)))
	n, _ := base64.StdEncoding.Decode(decoded, head)
	if typ := http.DetectContentType(decoded[:n]); strings.HasPrefix(typ, "image/") || strings.HasPrefix(typ, "video/") {
		return typ
	}
	return "application/octet-stream"
}

// isBase64 reports whether text is standard Base64 with padding.
func isBase64(text []byte) bool {
	if len(text) == 0 || len(text)%4 != 0 {
		return false
	}
	for range 2 {
		if text[len(text)-1] == '=' {
			text = text[:len(text)-1]
		}
	}
	for _, c := range text {
		if !base64Digits[c] {
			return false
		}
	}
	return true
}

// base64Digits are written out: computed, they would be so in every cold start.
var base64Digits = [256]bool{
	'A': true, 'B': true, 'C': true, 'D': true, 'E': true, 'F': true, 'G': true, 'H': true, 'I': true, 'J': true, 'K': true,
	'L': true, 'M': true, 'N': true, 'O': true, 'P': true, 'Q': true, 'R': true, 'S': true, 'T': true, 'U': true, 'V': true,
	'W': true, 'X': true, 'Y': true, 'Z': true,
	'a': true, 'b': true, 'c': true, 'd': true, 'e': true, 'f': true, 'g': true, 'h': true, 'i': true, 'j': true, 'k': true,
	'l': true, 'm': true, 'n': true, 'o': true, 'p': true, 'q': true, 'r': true, 's': true, 't': true, 'u': true, 'v': true,
	'w': true, 'x': true, 'y': true, 'z': true,
	'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true, '9': true,
	'+': true, '/': true,
}
