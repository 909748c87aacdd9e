package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestPhotosAndOriginals(t *testing.T) {
	for _, c := range []struct {
		typ               Type
		body              string
		photos, originals string
		result            bool
	}{
		{BankCard, `{"code":"0","result":{"originBankcardPhoto":"AAAA","x":"BBBB","bankcardCropPhoto":"\/CCC"}}`,
			`bankcardCropPhoto="\/CCC" originBankcardPhoto="AAAA"`, "originBankcardPhoto", true},
		{BankCard, `{"code":"0","result":{"originBankcardPhoto":"","bankcardCropPhoto":null,"bankcardNoPhoto":{"a":"AAAA"}}}`, "", "originBankcardPhoto", true},
		{BankCard, `{"code":"0","result":{"bankcardNoPhoto":"AAAA","bankcardNoPhoto":"BBBB"}}`, `bankcardNoPhoto="BBBB"`, "originBankcardPhoto", true},
		{BankCard, `{"code":"0","result":{"bankcardNoPhoto":"AAAA"},"result":{}}`, "", "originBankcardPhoto", true},
		{BankCard, `{"code":"0","originBankcardPhoto":"AAAA"}`, "", "originBankcardPhoto", false},
		{BankCard, `{"code":"0","result":["originBankcardPhoto"]}`, "", "originBankcardPhoto", false},
		{BankCard, `{"code":"-9012","result":{"originBankcardPhoto":"AAAA"}}`, `originBankcardPhoto="AAAA"`, "", true},
		{IDCard, `{"code":"0","result":{"frontCode":"0","backCode":"66661001"}}`, "", "frontPhoto", true},
		{IDCard, `{"code":"0","result":{"frontCode":null,"backCode":0}}`, "", "backPhoto", true},
		{IDCard, `{"code":"0","result":{"frontCode":"0","backCode":"0"}}`, "", "frontPhoto backPhoto", true},
		{IDCard, `{"code":"0","result":{"name":"x"}}`, "", "", true},
		{IDCard, `{"code":"0","result":{"headPhoto" : "AAAA" , "frontCrop":"BBBB"}}`, `frontCrop="BBBB" headPhoto="AAAA"`, "", true},
	} {
		a, err := parse(200, []byte(c.body), 0)
		if err != nil {
			t.Fatal(err)
		}
		var photos []string
		for _, p := range a.Photos(c.typ) {
			photos = append(photos, p.Field+"="+c.body[p.From:p.To])
		}
		if got := strings.Join(photos, " "); got != c.photos {
			t.Errorf("%s: photos %s", c.body, got)
		}
		if got := strings.Join(a.Originals(c.typ), " "); got != c.originals || a.HasResult() != c.result {
			t.Errorf("%s: originals %s, a result %t", c.body, got, a.HasResult())
		}
	}
}

// FuzzPhotos holds the places of photos, and the text of each, to what encoding/json finds.
func FuzzPhotos(f *testing.F) {
	f.Fuzz(func(t *testing.T, body string) {
		a, refused := parse(200, []byte(body), 0)
		if refused != nil {
			return // FuzzCheck of jsonscan says whether rightly
		}
		var top, result map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &top); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		_ = json.Unmarshal(top["result"], &result)
		if a.HasResult() != (result != nil) {
			t.Errorf("%s: a result %t", body, a.HasResult())
		}
		for _, typ := range []Type{BankCard, IDCard} {
			checkPhotos(t, a, typ, body, result)
		}
	})
}

func checkPhotos(t *testing.T, a *Answer, typ Type, body string, result map[string]json.RawMessage) {
	t.Helper()
	got := a.Photos(typ)
	for _, field := range typ.Photos() {
		var want string
		if json.Unmarshal(result[field], &want) != nil {
			want = ""
		}
		if text := string(a.Photo(field)); text != want && text != strings.NewReplacer("\r", "", "\n", "").Replace(want) {
			t.Errorf("%s: %s is %q, want %q", body, field, text, want)
		}
		i := slices.IndexFunc(got, func(p Photo) bool { return p.Field == field })
		if (i >= 0) != (want != "") {
			t.Errorf("%s: %s at %d, want %q", body, field, i, want)
		}
		if i < 0 {
			continue
		}
		if text := body[got[i].From:got[i].To]; text != string(result[field]) {
			t.Errorf("%s: %s is %s, want %s", body, field, text, result[field])
		}
		got = slices.Delete(got, i, i+1)
	}
	if len(got) != 0 {
		t.Errorf("%s: no photos, or again: %v", body, got)
	}
}

func TestGather(t *testing.T) {
	for _, size := range []int{0, 1, firstChunk - 1, firstChunk, firstChunk + 1, 3 * firstChunk, 3*firstChunk + 1, 10 << 20} {
		want := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"whole":            func(r io.Reader) io.Reader { return r },
			"with the end":     iotest.DataErrReader,
			"in halves":        iotest.HalfReader,
			"as it comes, EOF": func(r io.Reader) io.Reader { return io.MultiReader(r, strings.NewReader("")) },
		} {
			if got, err := (&round{limit: size}).gather(reader(bytes.NewReader(want))); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %s: %d bytes, %v", size, name, len(got), err)
			}
			if _, err := (&round{limit: size - 1}).gather(reader(bytes.NewReader(want))); size > 0 && !errors.Is(err, errTooLarge) {
				t.Errorf("%d bytes, %s, limited to one less: %v", size, name, err)
			}
		}
		broken := io.MultiReader(bytes.NewReader(want), iotest.ErrReader(io.ErrUnexpectedEOF))
		if _, err := (&round{limit: size}).gather(broken); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes, broken off: %v", size, err)
		}
	}
}
