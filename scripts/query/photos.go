package main

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kyc-ocr-relay/internal/upstream"
)

// savePhotos writes the photos and the video of the answer into the folder dir, readable by their
// owner alone, and returns the answer's JSON with the names of the files in their place.
func savePhotos(answer *upstream.Answer, typ upstream.Type, dir string, stderr io.Writer) ([]byte, error) {
	if answer.Class != upstream.Success {
		return answer.Body, nil
	}
	found := answer.Photos(typ)
	missing := slices.DeleteFunc(slices.Clone(typ.Photos()), func(field string) bool {
		return slices.ContainsFunc(found, func(p upstream.Photo) bool { return p.Field == field })
	})
	if len(missing) > 0 {
		fmt.Fprintf(stderr, "not in the answer: %s (a crop or a video may stay empty; files may follow the result by about a second)\n", strings.Join(missing, ", "))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b upstream.Photo) int { return cmp.Compare(a.From, b.From) })
	var body []byte
	from := 0
	for _, p := range found {
		name := p.Field + ".jpg"
		if p.Field == "video" {
			name = "video.mp4"
		}
		path, err := savePhoto(answer.Body[p.From:p.To], filepath.Join(dir, name), stderr)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Field, err)
		}
		body = append(append(body, answer.Body[from:p.From]...), path...)
		from = p.To
	}
	return append(body, answer.Body[from:]...), nil
}

// savePhoto writes the photo that the JSON string text holds, and returns the path as JSON.
func savePhoto(text []byte, path string, stderr io.Writer) ([]byte, error) {
	var encoded string
	if err := json.Unmarshal(text, &encoded); err != nil {
		return nil, err
	}
	photo, err := base64.StdEncoding.DecodeString(encoded) // which passes over line ends
	if err != nil {
		return nil, fmt.Errorf("not Base64: %w", err)
	}
	if err := os.WriteFile(path, photo, 0o600); err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil { // it may have been there, with another mode
		return nil, err
	}
	fmt.Fprintf(stderr, "wrote %s: %d bytes, %s\n", path, len(photo), http.DetectContentType(photo))
	return json.Marshal(path)
}
