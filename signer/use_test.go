package signer_test

import (
	"crypto/sha1"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"kyc-ocr-relay/signer"
)

// The tickets and the nonce of the vendor's examples.
const (
	queryTicket = "FxlAe3HFtEy73Um0pJNzIUriwtfnS3KRcPXiesd5ulS4XRAIcT0FbfaP52dwZf5S"
	startTicket = "XO99Qfxlti9iTVgHAjwvJdAZKN3nMuUhrsPdPlPVKlcyS50N6tlLnfuFBPIucaMS"
	loginTicket = "zxc9Qfxlti9iTVgHAjwvJdAZKN3nMuUhrsPdPlPVKlcyS50N6tlLnfuFBPIucaMS"
	backTicket  = "duSz9ptwyW1Xn7r6gYItxz3feMdJ8Na5x7JZuoxurE7RcI5TdwCE4KT2eEeNNDoe"
	oneNonce    = "kHoSxvLZGxSoFsjxlbzEoUzh5PAnTU7T"
)

// everyUse has an example for each use. All but that of StartH5OCR are published: see TestMisprints.
var everyUse = []struct {
	use    signer.Use
	values signer.Values
	ticket string
	sign   string
}{
	{signer.ByOrder, signer.Values{AppID: "appId001", OrderNo: "aabc1457895464", Nonce: oneNonce}, queryTicket, "993D057C652D97FD90D5D298F2E5DC4B8D893CBC"},
	{signer.ByOrder, signer.Values{AppID: "IDAXXXXX", OrderNo: "orderNo596551", Nonce: oneNonce}, startTicket, "6CD5F0DBCFA1155E2A66754B33C2E67DD358393B"},
	{signer.ByUser, signer.Values{AppID: "IDAXXXXX", UserID: "userID19959248596551", Nonce: oneNonce}, startTicket, "D7606F1741DDCF90757DA924EDCF152A200AC7F0"},
	{signer.StartSDK, signer.Values{AppID: "IDAXXXXX", UserID: "userID19959248596551", Nonce: oneNonce}, startTicket, "D7606F1741DDCF90757DA924EDCF152A200AC7F0"},
	{signer.StartSDK, signer.Values{AppID: "TIDA0001", UserID: "userID19959248596551", Nonce: oneNonce}, startTicket, "4AE72E6FBC2E9E1282922B013D1B4C2CBD38C4BD"},
	{signer.ByName, signer.Values{AppID: "appId001", OrderNo: "19959248596551", Name: "testName", IDNo: "4300000000000", UserID: "19959248596551"}, backTicket, "11670F8BD6181CF71FB4656534253A0627D835CF"},
	{signer.ByName, signer.Values{AppID: "appId001", OrderNo: "orderNo19959248596551", Name: "testName", IDNo: "4300000000000", UserID: "userID19959248596551"}, backTicket, "EE57F7C1EDDE7B6BB0DFB54CD902836B8EB0575B"},
	{signer.StartH5OCR, signer.Values{AppID: "appId001", UserID: "userID19959248596551", OrderNo: "aabc1457895464", Nonce: oneNonce}, loginTicket, "BADF4F8B38DF09506CEBFF3347A7ACD908A43BF1"},
	{signer.StartH5Face, signer.Values{AppID: "appId001", UserID: "userID19959248596551", OrderNo: "aabc1457895464", FaceID: "bwiwe1457895464", Nonce: oneNonce}, loginTicket, "4E9DFABF938BF37BDB7A7DC25CCA1233D12D986B"},
	{signer.Callback, signer.Values{AppID: "appId001", OrderNo: "test1480921551481", Code: "0"}, backTicket, "526365E042766AE27A6E52D2E4829D4C6E156B5D"},
	{signer.Callback, signer.Values{AppID: "appId001", OrderNo: "test1480921551481"}, backTicket, "B02CEBEB07F792B2F085E8CB1E7BA9EC19284F54"},
	{signer.Unsigned, signer.Values{AppID: "appId001", OrderNo: "test1480921551481"}, backTicket, ""},
}

func TestUses(t *testing.T) {
	seen := map[signer.Use]bool{}
	for _, c := range everyUse {
		if got := c.use.Sign(c.values, c.ticket); got != c.sign {
			t.Errorf("use %d of %+v: %s, want %s", c.use, c.values, got, c.sign)
		}
		seen[c.use] = true
	}
	if len(seen) != int(signer.Callback)+1 {
		t.Errorf("examples of %d uses, there are %d", len(seen), signer.Callback+1)
	}
	if got := (signer.Callback + 1).Sign(everyUse[0].values, queryTicket); got != "" {
		t.Errorf("an unknown use signs: %s", got)
	}
}

// TestMisprints names the two published signs that are not of the values beside them, so that nobody
// takes them for examples. The first hashes a space before the user, which is no part of it; of the
// second, on the ocrapp page of 2017, the values are not known.
func TestMisprints(t *testing.T) {
	const withSpace, ocrapp = "5E034EF71E90E5F5FB072CDBB259FFF25A938B03", "7E0DE0E46500D0327F12ED4274CFA188B80D7AF9"
	sorted := []string{"1.0.0", "aabc1457895464", "appId001", oneNonce, " userID19959248596551", loginTicket}
	if got := fmt.Sprintf("%X", sha1.Sum([]byte(strings.Join(sorted, "")))); got != withSpace {
		t.Errorf("with a space before the user the sign is %s, the pages print %s", got, withSpace)
	}
	for _, c := range everyUse {
		if c.sign == withSpace || c.sign == ocrapp {
			t.Errorf("use %d has a misprint as its example: %s", c.use, c.sign)
		}
	}
}

// A use signs the values that its page names, and none beside them.
func TestUsesSignNothingElse(t *testing.T) {
	full := signer.Values{AppID: "a", OrderNo: "o", UserID: "u", Nonce: "n", Name: "m", IDNo: "i", FaceID: "f", Code: "c"}
	for use, names := range map[signer.Use]string{
		signer.ByOrder: "AppID OrderNo Nonce", signer.ByUser: "AppID UserID Nonce", signer.ByName: "AppID OrderNo UserID Name IDNo",
		signer.StartSDK: "AppID UserID Nonce", signer.StartH5OCR: "AppID OrderNo UserID Nonce",
		signer.StartH5Face: "AppID OrderNo UserID Nonce FaceID", signer.Callback: "AppID OrderNo Code",
	} {
		got := ""
		for i := range reflect.TypeFor[signer.Values]().NumField() {
			changed := full
			reflect.ValueOf(&changed).Elem().Field(i).SetString("another")
			if use.Sign(changed, "t") != use.Sign(full, "t") {
				got += " " + reflect.TypeFor[signer.Values]().Field(i).Name
			}
		}
		if got != " "+names {
			t.Errorf("use %d signs%s, want %s", use, got, names)
		}
		if use.Sign(full, "t") == use.Sign(full, "another") {
			t.Errorf("use %d does not sign the ticket", use)
		}
	}
}

func ExampleUse_Sign() {
	// What a phone hands back after a face verification is genuine if its sign is this.
	v := signer.Values{AppID: "appId001", OrderNo: "test1480921551481", Code: "0"}
	fmt.Println(signer.Callback.Sign(v, "duSz9ptwyW1Xn7r6gYItxz3feMdJ8Na5x7JZuoxurE7RcI5TdwCE4KT2eEeNNDoe"))
	// Output: 526365E042766AE27A6E52D2E4829D4C6E156B5D
}
