package upstream

import (
	"net/http"
	"slices"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/signer"
)

// Call is one call of the vendor's API, by its path. What there is to know of each stands in
// one table, below.
type Call string

// The calls.
const ( // #nosec G101 -- paths
	accessToken Call = "/api/oauth2/access_token" // see AccessToken
	apiTicket   Call = "/api/oauth2/api_ticket"   // see SignTicket and NonceTicket

	BankCardResult Call = "/api/server/getBankCardOcrResult"
	IDCardResult   Call = "/api/server/getOcrResult"

	FaceID     Call = "/api/server/getfaceid"      // SDK, basic
	AdvFaceID  Call = "/api/server/getAdvFaceId"   // SDK, enhanced, and the page for phones
	PlusFaceID Call = "/api/server/getPlusFaceId"  // SDK and page, Plus
	WillFaceID Call = "/api/server/getWillFaceId"  // 意愿: face and declared intention
	H5FaceID   Call = "/api/server/h5/geth5faceid" // page for PCs
	OCRCertID  Call = "/api/server/getOcrCertId"   // NFC

	FaceRecord Call = "/api/v2/base/queryfacerecord"
	FacePhotos Call = "/api/v2/base/queryphotoinfo"
	WillResult Call = "/api/server/getWillFaceResult"
	FaceSync   Call = "/api/server/sync" // the older query

	IDCardPicture   Call = "/api/paas/idcardocrapp"
	BankCardPicture Call = "/api/paas/bankcardocrapp"
	DriverPicture   Call = "/api/v2/ocrpaas/driverlicenseupload"
	VehiclePicture  Call = "/api/v2/ocrpaas/vehiclelicenseupload"
)

// row is what there is to know of a call.
type row struct {
	call   Call
	step   string     // what the call is for, in errors and in the log
	post   bool       // the values are members of a JSON object; else parameters of a GET
	signs  signer.Use // with the SIGN ticket
	traced bool       // a POST whose order number stands in the URL, too
	limit  int        // bytes of the answer; 0: the caller's
	once   bool       // not sent again once it may have arrived
	files  string     // the parameter or member that asks for files, "" none
	native bool       // get_native is known
}

// smallAnswer bounds the answers that carry credentials or face ids, and have some hundred
// bytes.
const smallAnswer = 64 << 10

// table has every call. Sources: document 1007 of cloud.tencent.com; the OCR of pictures by
// public clients. A POST is never sent again: an upload makes a face id and uses up its order
// number, and the vendor does not say what the others do a second time. It is no map, as the
// other tables of the package are none: that would be filled in every cold start.
var table = [...]row{
	{call: accessToken, step: "access token", limit: smallAnswer, once: true},
	{call: apiTicket, step: "ticket", limit: smallAnswer},

	{call: BankCardResult, step: "result", signs: signer.ByOrder, files: "get_file"},
	{call: IDCardResult, step: "result", signs: signer.ByOrder, files: "get_file", native: true},

	{call: FaceID, step: "face id", post: true, signs: signer.ByUser, traced: true, limit: smallAnswer, once: true},
	{call: AdvFaceID, step: "face id", post: true, signs: signer.ByUser, traced: true, limit: smallAnswer, once: true},
	{call: PlusFaceID, step: "face id", post: true, signs: signer.ByUser, traced: true, limit: smallAnswer, once: true},
	{call: WillFaceID, step: "face id", post: true, signs: signer.ByUser, traced: true, limit: smallAnswer, once: true},
	{call: H5FaceID, step: "face id", post: true, signs: signer.ByName, traced: true, limit: smallAnswer, once: true},
	{call: OCRCertID, step: "certificate id", post: true, signs: signer.ByOrder, traced: true, limit: smallAnswer, once: true},

	{call: FaceRecord, step: "face result", post: true, signs: signer.ByOrder, traced: true, once: true, files: "getFile"},
	{call: FacePhotos, step: "face result", post: true, signs: signer.ByOrder, traced: true, once: true},
	{call: WillResult, step: "face result", post: true, signs: signer.ByOrder, traced: true, once: true, files: "getFile"},
	{call: FaceSync, step: "face result", signs: signer.ByOrder, files: "get_file"},

	{call: IDCardPicture, step: "picture", post: true, signs: signer.ByOrder, once: true},
	{call: BankCardPicture, step: "picture", post: true, signs: signer.ByOrder, once: true},
	{call: DriverPicture, step: "picture", post: true, signs: signer.ByOrder, once: true},
	{call: VehiclePicture, step: "picture", post: true, signs: signer.ByOrder, once: true},
}

// row returns what there is to know of the call, the zero row of one that is not known.
func (c Call) row() row {
	for i := range table {
		if table[i].call == c {
			return table[i]
		}
	}
	return row{}
}

// appMembers are the names that pages have for the app in a POST. The first one is put in
// where a body has none.
var appMembers = []string{"appId", "webankAppId", "app_id"}

// Calls returns every signed call, sorted by path.
func Calls() (list []Call) {
	for _, r := range table {
		if r.signs != signer.Unsigned {
			list = append(list, r.call)
		}
	}
	slices.Sort(list)
	return list
}

// IsKnown reports whether c is one of Calls, as a path from a caller may not be.
func (c Call) IsKnown() bool { return c.row().signs != signer.Unsigned }

// Path returns the path, which the vendor's hosts share.
func (c Call) Path() string { return string(c) }

// Method returns GET or POST.
func (c Call) Method() string {
	if c.row().post {
		return http.MethodPost
	}
	return http.MethodGet
}

// IsSigned reports whether sign is that of a GET of an app for an order, with a ticket.
func (c Call) IsSigned(appID, orderNo, nonce, sign string, ticket secret.Text) bool {
	return isNonce(nonce) && c.row().signs.Verify(signer.Values{AppID: appID, OrderNo: orderNo, Nonce: nonce}, ticket.Reveal(), sign)
}

// isNonce reports whether a nonce has the length that the vendor documents. With another one, letters
// could move from it to the order number, and the sign would be the same.
func isNonce(nonce string) bool { return len(nonce) == 32 }

// Step returns what the call is for, as Error has it.
func (c Call) Step() string { return c.row().step }

// Limit returns how many bytes of an answer are read, 0 where Params say so.
func (c Call) Limit() int { return c.row().limit }

// AsksFor returns the parameter or member that asks for photos and videos, "" where there is
// none. It is not signed. Its values are 1 for all files and, of a face, 2 for the photo and 3
// for the video.
func (c Call) AsksFor() string { return c.row().files }
