package signer_test

import (
	"crypto/sha1"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"kyc-ocr-relay/signer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The vendor's published examples.
var vectors = []struct {
	values []string
	sign   string
}{
	{[]string{"appId001", "aabc1457895464", "1.0.0", "kHoSxvLZGxSoFsjxlbzEoUzh5PAnTU7T", "FxlAe3HFtEy73Um0pJNzIUriwtfnS3KRcPXiesd5ulS4XRAIcT0FbfaP52dwZf5S"}, "993D057C652D97FD90D5D298F2E5DC4B8D893CBC"},
	{[]string{"IDAXXXXX", "orderNo596551", "1.0.0", "kHoSxvLZGxSoFsjxlbzEoUzh5PAnTU7T", "XO99Qfxlti9iTVgHAjwvJdAZKN3nMuUhrsPdPlPVKlcyS50N6tlLnfuFBPIucaMS"}, "6CD5F0DBCFA1155E2A66754B33C2E67DD358393B"},
	{[]string{"IDAXXXXX", "userID19959248596551", "1.0.0", "kHoSxvLZGxSoFsjxlbzEoUzh5PAnTU7T", "XO99Qfxlti9iTVgHAjwvJdAZKN3nMuUhrsPdPlPVKlcyS50N6tlLnfuFBPIucaMS"}, "D7606F1741DDCF90757DA924EDCF152A200AC7F0"},
	{[]string{"TIDA0001", "userID19959248596551", "1.0.0", "kHoSxvLZGxSoFsjxlbzEoUzh5PAnTU7T", "XO99Qfxlti9iTVgHAjwvJdAZKN3nMuUhrsPdPlPVKlcyS50N6tlLnfuFBPIucaMS"}, "4AE72E6FBC2E9E1282922B013D1B4C2CBD38C4BD"},
	{[]string{"appId001", "test1480921551481", "duSz9ptwyW1Xn7r6gYItxz3feMdJ8Na5x7JZuoxurE7RcI5TdwCE4KT2eEeNNDoe"}, "B02CEBEB07F792B2F085E8CB1E7BA9EC19284F54"},
}

func TestPublishedVectors(t *testing.T) {
	for _, v := range vectors {
		given := slices.Clone(v.values)
		if got := signer.Sign(v.values...); got != v.sign {
			t.Errorf("Sign(%q) = %s, published: %s", v.values[:2], got, v.sign)
		}
		if !slices.Equal(given, v.values) {
			t.Errorf("Sign changed its arguments: %q", v.values)
		}
	}
}

// obvious is the documented rule, written down without care for speed.
func obvious(values []string) string {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return fmt.Sprintf("%X", sha1.Sum([]byte(strings.Join(sorted, ""))))
}

func FuzzSign(f *testing.F) {
	f.Fuzz(func(t *testing.T, list string, turn int) {
		values := strings.Split(list, ",")
		want := obvious(values)
		turned := slices.Clone(values)
		n := ((turn % len(values)) + len(values)) % len(values)
		turned = append(turned[n:], turned[:n]...)
		for _, order := range [][]string{values, turned} {
			if got := signer.Sign(order...); got != want {
				t.Errorf("Sign(%q) = %s, want %s", order, got, want)
			}
		}
	})
}

func TestNonce(t *testing.T) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	const draws = 20000
	count := map[rune]int{}
	seen := map[string]bool{}
	for range draws {
		n := signer.Nonce()
		if len(n) != 32 || strings.Trim(n, letters) != "" {
			t.Fatalf("Nonce() = %q", n)
		}
		if seen[n] {
			t.Fatalf("Nonce() gave %q twice", n)
		}
		seen[n] = true
		for _, c := range n {
			count[c]++
		}
	}
	// 61 degrees of freedom: chi-square passes 150 once in about 10^9 runs, and
	// the bias of a plain modulo would drive it beyond 2000.
	expected := float64(draws*32) / float64(len(letters))
	chi := 0.0
	for _, c := range letters {
		d := float64(count[c]) - expected
		chi += d * d / expected
	}
	if chi > 150 {
		t.Errorf("chi-square of the characters is %.0f: they are not equally likely", chi)
	}
}

func ExampleSign() {
	fmt.Println(signer.Sign(
		"appId001",       // app_id
		"aabc1457895464", // order_no
		signer.Version,
		"kHoSxvLZGxSoFsjxlbzEoUzh5PAnTU7T", // nonce
		"FxlAe3HFtEy73Um0pJNzIUriwtfnS3KRcPXiesd5ulS4XRAIcT0FbfaP52dwZf5S", // SIGN ticket
	))
	// Output: 993D057C652D97FD90D5D298F2E5DC4B8D893CBC
}

// BenchmarkSign is beside the bare hash of the same bytes, and the rule written down plainly.
func BenchmarkSign(b *testing.B) {
	v := vectors[0].values
	joined := []byte(strings.Join(v, ""))
	b.Run("sign", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			signer.Sign(v[0], v[1], v[2], v[3], v[4])
		}
	})
	b.Run("sha1", func(b *testing.B) {
		for b.Loop() {
			sha1.Sum(joined)
		}
	})
	b.Run("obvious", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			obvious(v)
		}
	})
}

// BenchmarkNonce is a nonce from the random bytes of the system.
func BenchmarkNonce(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		signer.Nonce()
	}
}
