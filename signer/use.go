package signer

// Use is a purpose that values are signed for. The vendor's pages say for each which values,
// and with which ticket (cloud.tencent.com document 1007). A wrong ticket or a value more is
// refused with the code 400101, which says no more.
type Use int

// The uses. Unsigned is the zero Use.
const (
	Unsigned Use = iota

	// With the SIGN ticket, by the server.
	ByOrder // result queries of OCR and face, OCR of pictures, getOcrCertId: app, order, version, nonce
	ByUser  // uploads for a face id: app, user, version, nonce
	ByName  // the older upload geth5faceid: app, order, name, id number, user, version; no nonce

	// With a NONCE ticket of the user, by the server for its front end.
	StartSDK    // OCR, face and NFC on a phone: app, user, version, nonce
	StartH5OCR  // OCR in a page or mini program: as StartSDK, and the order
	StartH5Face // a face verification in a page: as StartH5OCR, and the face id

	// With the SIGN ticket, by the vendor, for what comes back through a front end.
	Callback // app, order; after a face verification the code, too
)

// Values are what may be signed, each by the vendor's name for it. What a use does not sign
// is not looked at. A value that was left out of the request is empty, and changes nothing.
type Values struct {
	AppID   string // appId, webankAppId, app_id
	OrderNo string // orderNo, order_no
	UserID  string // userId
	Nonce   string // nonce
	Name    string // name
	IDNo    string // idNo
	FaceID  string // faceId, h5faceId
	Code    string // code
}

// Sign returns the signature of the use's values with the ticket, as [Sign] does. Of a Use
// that signs nothing it is empty.
func (u Use) Sign(v Values, ticket string) string {
	switch u {
	case ByOrder:
		return Sign(v.AppID, v.OrderNo, Version, v.Nonce, ticket)
	case ByUser, StartSDK:
		return Sign(v.AppID, v.UserID, Version, v.Nonce, ticket)
	case ByName:
		return Sign(v.AppID, v.OrderNo, v.Name, v.IDNo, v.UserID, Version, ticket)
	case StartH5OCR:
		return Sign(v.AppID, v.UserID, Version, v.Nonce, v.OrderNo, ticket)
	case StartH5Face:
		return Sign(v.AppID, v.UserID, Version, v.Nonce, v.OrderNo, v.FaceID, ticket)
	case Callback:
		return Sign(v.AppID, v.OrderNo, v.Code, ticket)
	}
	return ""
}
