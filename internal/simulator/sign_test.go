package simulator

import "testing"

const (
	vendorNonce  = "kHoSxvLZGxSoFsjxlbzEoUzh5PAnTU7T"
	vendorTicket = "XO99Qfxlti9iTVgHAjwvJdAZKN3nMuUhrsPdPlPVKlcyS50N6tlLnfuFBPIucaMS"
)

// The examples that the vendor publishes with their signatures.
func TestSignMatchesVendor(t *testing.T) {
	for _, v := range []struct {
		want   string
		values []string
	}{
		{"993D057C652D97FD90D5D298F2E5DC4B8D893CBC", []string{"appId001", "aabc1457895464", "1.0.0", vendorNonce,
			"FxlAe3HFtEy73Um0pJNzIUriwtfnS3KRcPXiesd5ulS4XRAIcT0FbfaP52dwZf5S"}},
		{"6CD5F0DBCFA1155E2A66754B33C2E67DD358393B", []string{"IDAXXXXX", "orderNo596551", "1.0.0", vendorNonce, vendorTicket}},
		{"D7606F1741DDCF90757DA924EDCF152A200AC7F0", []string{"IDAXXXXX", "userID19959248596551", "1.0.0", vendorNonce, vendorTicket}},
		{"4AE72E6FBC2E9E1282922B013D1B4C2CBD38C4BD", []string{"TIDA0001", "userID19959248596551", "1.0.0", vendorNonce, vendorTicket}},
		{"B02CEBEB07F792B2F085E8CB1E7BA9EC19284F54", []string{"appId001", "test1480921551481",
			"duSz9ptwyW1Xn7r6gYItxz3feMdJ8Na5x7JZuoxurE7RcI5TdwCE4KT2eEeNNDoe"}},
	} {
		if got := sign(v.values...); got != v.want {
			t.Errorf("sign(%q) = %s, want %s", v.values, got, v.want)
		}
	}
}
