package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	_ "image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/upstream"
)

func TestPhotos(t *testing.T) {
	u := newUpstream(t, httptest.NewServer)
	for _, c := range []struct {
		typ, order string
		photos     []string
		missing    string
	}{
		{"bankcard", "order1", upstream.BankCard.Photos(), ""},
		{"idcard", "order1", upstream.IDCard.Photos(), ""},
		{"bankcard", "odd1", upstream.BankCard.Photos(), ""},     // escaped Base64, white space
		{"bankcard", "huge12x1", upstream.BankCard.Photos(), ""}, // more than the platform lets through
		{"face", "order1", upstream.Face.Photos(), ""},
		{"face", "late1", nil, "not in the answer: photo, video "},
		{"bankcard", "emptycrop1", []string{"originBankcardPhoto"}, "not in the answer: bankcardCropPhoto, bankcardNoPhoto "},
		{"idcard", "late1", nil, "not in the answer: frontPhoto, backPhoto, "},
	} {
		t.Run(c.typ+" "+c.order, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new", "out")
			o := u.query(t, nil, c.typ, c.order, "-photos", dir)
			if o.code != 0 {
				t.Fatalf("%d %.500s", o.code, o.stderr)
			}
			if c.missing != "" != strings.Contains(o.stderr, "not in the answer") || !strings.Contains(o.stderr, c.missing) {
				t.Errorf("stderr: %s", o.stderr)
			}
			var answer struct{ Result map[string]any }
			if err := json.Unmarshal([]byte(o.stdout), &answer); err != nil {
				t.Fatalf("%v in %.500s", err, o.stdout)
			}
			var names []string
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				field := strings.TrimSuffix(strings.TrimSuffix(e.Name(), ".jpg"), ".mp4")
				names = append(names, field)
				path := filepath.Join(dir, e.Name())
				if answer.Result[field] != path {
					t.Errorf("%s in the JSON: %.80v", field, answer.Result[field])
				}
				checkPhoto(t, path, c.order)
			}
			want := slices.Sorted(slices.Values(c.photos))
			if slices.Sort(names); !slices.Equal(names, want) {
				t.Errorf("files %q, expected %q", names, want)
			}
			if answer.Result["orderNo"] != c.order {
				t.Errorf("the rest of the JSON: %.500s", o.stdout)
			}
		})
	}
}

func checkPhoto(t *testing.T, path, order string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("%s has mode %v", path, info.Mode())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".mp4") {
		if typ := http.DetectContentType(data); typ != "video/mp4" {
			t.Errorf("%s of %s is %s", path, order, typ)
		}
		return
	}
	if _, _, err := image.DecodeConfig(bytes.NewReader(data)); err != nil {
		t.Errorf("%s of %s, %d bytes: %v", path, order, len(data), err)
	}
}

// Photos that are there already are replaced, and lose a mode that lets others read.
func TestPhotosAgain(t *testing.T) {
	u := newUpstream(t, httptest.NewServer)
	dir := t.TempDir()
	path := filepath.Join(dir, "bankcardCropPhoto.jpg")
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if o := u.query(t, nil, "bankcard", "order1", "-photos", dir); o.code != 0 {
		t.Fatalf("%d %s", o.code, o.stderr)
	}
	checkPhoto(t, path, "order1")
}

func TestPhotoProblems(t *testing.T) {
	answer := func(photo string) *upstream.Answer {
		return &upstream.Answer{Code: "0", Class: upstream.Success, Body: []byte(`{"code":"0","result":{"bankcardNoPhoto":` + photo + `}}`)}
	}
	var stderr bytes.Buffer
	if _, err := savePhotos(answer(`"@@@@"`), upstream.BankCard, t.TempDir(), &stderr); err == nil || !strings.Contains(err.Error(), "bankcardNoPhoto: not Base64") {
		t.Errorf("not Base64: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := savePhotos(answer(`""`), upstream.BankCard, file, &stderr); err == nil {
		t.Error("no error although the folder is a file")
	}
	photo := base64.StdEncoding.EncodeToString([]byte("not an image"))
	body, err := savePhotos(answer(`"`+photo[:4]+`\r\n`+photo[4:]+`"`), upstream.BankCard, t.TempDir(), &stderr)
	if err != nil || !strings.Contains(string(body), "bankcardNoPhoto.jpg") {
		t.Errorf("Base64 in lines: %s, %v", body, err)
	}
}
