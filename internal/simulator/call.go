package simulator

// Call is a kind of call to the API.
type Call string

// The calls, as [Simulator.Intercept] names them.
const (
	TokenCall   Call = "token"
	TicketCall  Call = "ticket" // SIGN
	NonceCall   Call = "nonce"  // NONCE ticket
	ResultCall  Call = "result" // of an OCR
	UploadCall  Call = "upload" // of what a face is compared with, for a face id
	VerdictCall Call = "verdict"
	PictureCall Call = "picture" // OCR of a picture that a server sends
)

// The kinds of document, as [Simulator.Photos] names them.
const (
	bankCard = "bankcard"
	idCard   = "idcard"
	face     = "face"
)

// The kinds of document that no photos belong to.
const (
	oldFace     = "sync"
	willFace    = "will"
	photoInfo   = "photo info"
	faceID      = "face id"
	h5FaceID    = "h5 face id"
	certificate = "certificate"
	bankPicture = "bank card picture"
	idPicture   = "ID card picture"
	driver      = "driver licence picture"
	vehicle     = "vehicle licence picture"
)

// endpoint is one of the API's paths and what it documents: parameters of a GET, members
// of the JSON object of a POST.
type endpoint struct {
	call     Call
	kind     string // of document
	post     bool
	apps     []string // what names the app: one of them
	required []string // beside it
	optional []string
	signed   []string // what is signed beside the app and the SIGN ticket, where it is given
	traced   bool     // the order number stands in the URL of a POST, too
	open     bool     // the page documents more members than those known here
	clients  string   // of a face id: what may start with it, "sdk", "h5" or both
}

// The members that the pages share.
var (
	oldName   = []string{"app_id"}
	appNames  = []string{"appId", "webankAppId", "app_id"}
	personal  = []string{"userId", "orderNo", "version", "nonce", "sign"}
	byOrder   = []string{"orderNo", "version", "nonce", "sign"}
	compared  = []string{"name", "idNo", "sourcePhotoStr", "sourcePhotoType", "liveInterType"}
	userSign  = []string{"userId", "version", "nonce"}
	orderSign = []string{"orderNo", "version", "nonce"}
	oldSign   = []string{"order_no", "version", "nonce"}
)

var endpoints = map[string]endpoint{
	"/api/oauth2/access_token": {call: TokenCall, apps: oldName,
		required: []string{"secret", "grant_type", "version"}},
	"/api/oauth2/api_ticket": {call: TicketCall, apps: oldName,
		required: []string{"access_token", "type", "version"}, optional: []string{"user_id"}},

	"/api/server/getBankCardOcrResult": {call: ResultCall, kind: bankCard, apps: oldName, signed: oldSign,
		required: []string{"order_no", "nonce", "version", "sign"}, optional: []string{"get_file"}},
	"/api/server/getOcrResult": {call: ResultCall, kind: idCard, apps: oldName, signed: oldSign,
		required: []string{"order_no", "nonce", "version", "sign"}, optional: []string{"get_file", "get_native"}},

	"/api/server/getfaceid": {call: UploadCall, kind: faceID, post: true, apps: appNames, signed: userSign,
		required: personal, optional: compared, traced: true, clients: "sdk"},
	"/api/server/getAdvFaceId": {call: UploadCall, kind: faceID, post: true, apps: appNames, signed: userSign,
		required: personal, optional: compared, traced: true, clients: "sdk h5"},
	"/api/server/getPlusFaceId": {call: UploadCall, kind: faceID, post: true, apps: appNames, signed: userSign,
		required: personal, optional: compared, traced: true, clients: "sdk h5"},
	"/api/server/getWillFaceId": {call: UploadCall, kind: faceID, post: true, apps: appNames, signed: userSign,
		required: personal, optional: compared, traced: true, clients: "sdk h5", open: true},
	"/api/server/h5/geth5faceid": {call: UploadCall, kind: h5FaceID, post: true, apps: appNames,
		signed:   []string{"orderNo", "name", "idNo", "userId", "version"}, // no nonce
		required: []string{"userId", "orderNo", "version", "sign"}, optional: compared, traced: true, clients: "h5"},
	"/api/server/getOcrCertId": {call: UploadCall, kind: certificate, post: true, apps: appNames, signed: orderSign,
		required: byOrder, optional: append([]string{"userId"}, compared...), traced: true},

	"/api/server/sync": {call: VerdictCall, kind: oldFace, apps: oldName, signed: oldSign,
		required: []string{"order_no", "nonce", "version", "sign"}, optional: []string{"get_file"}},
	"/api/v2/base/queryfacerecord": {call: VerdictCall, kind: face, post: true, apps: appNames, signed: orderSign,
		required: byOrder, optional: []string{"getFile", "queryVersion"}, traced: true},
	"/api/v2/base/queryphotoinfo": {call: VerdictCall, kind: photoInfo, post: true, apps: appNames, signed: orderSign,
		required: byOrder, traced: true},
	"/api/server/getWillFaceResult": {call: VerdictCall, kind: willFace, post: true, apps: appNames, signed: orderSign,
		required: byOrder, optional: []string{"getFile", "queryVersion", "getWillFile"}, traced: true},

	"/api/paas/idcardocrapp": {call: PictureCall, kind: idPicture, post: true, apps: appNames, signed: orderSign,
		required: append([]string{"cardType", "idcardStr"}, byOrder...)},
	"/api/paas/bankcardocrapp": {call: PictureCall, kind: bankPicture, post: true, apps: appNames, signed: orderSign,
		required: append([]string{"bankcardStr"}, byOrder...)},
	"/api/v2/ocrpaas/driverlicenseupload": {call: PictureCall, kind: driver, post: true, apps: appNames, signed: orderSign,
		required: append([]string{"imageStr"}, byOrder...)},
	"/api/v2/ocrpaas/vehiclelicenseupload": {call: PictureCall, kind: vehicle, post: true, apps: appNames, signed: orderSign,
		required: append([]string{"imageStr"}, byOrder...), optional: []string{"vehicleLicenseSide"}},
}

// pictureMembers are those that hold a picture as Base64, with how long the text may be;
// 0 where no page says so.
var pictureMembers = map[string]int{
	"sourcePhotoStr": 1 << 20,
	"bankcardStr":    3 << 20,
	"idcardStr":      0,
	"imageStr":       0,
}
