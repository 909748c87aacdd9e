package simulator

import "testing"

const (
	vendorNonce  = "kHoSxvLZGxSoFsjxlbzEoUzh5PAnTU7T"
	vendorTicket = "XO99Qfxlti9iTVgHAjwvJdAZKN3nMuUhrsPdPlPVKlcyS50N6tlLnfuFBPIucaMS"
	backTicket   = "duSz9ptwyW1Xn7r6gYItxz3feMdJ8Na5x7JZuoxurE7RcI5TdwCE4KT2eEeNNDoe"
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
		{"11670F8BD6181CF71FB4656534253A0627D835CF", []string{"appId001", "19959248596551", "testName", "4300000000000", "19959248596551", "1.0.0", backTicket}},
		{"EE57F7C1EDDE7B6BB0DFB54CD902836B8EB0575B", []string{"appId001", "orderNo19959248596551", "testName", "4300000000000", "userID19959248596551", "1.0.0", backTicket}},
		{"4E9DFABF938BF37BDB7A7DC25CCA1233D12D986B", []string{"appId001", "userID19959248596551", "aabc1457895464", "1.0.0", "bwiwe1457895464", vendorNonce,
			"zxc9Qfxlti9iTVgHAjwvJdAZKN3nMuUhrsPdPlPVKlcyS50N6tlLnfuFBPIucaMS"}},
		{"526365E042766AE27A6E52D2E4829D4C6E156B5D", []string{"0", "appId001", "test1480921551481", backTicket}},
		{"B02CEBEB07F792B2F085E8CB1E7BA9EC19284F54", []string{"appId001", "test1480921551481", backTicket}},
	} {
		if got := sign(v.values...); got != v.want {
			t.Errorf("sign(%q) = %s, want %s", v.values, got, v.want)
		}
	}
}
