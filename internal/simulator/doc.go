// Package simulator is the vendor's API as a strict [net/http.Handler]: access token,
// SIGN and NONCE ticket, the result queries of OCR, the uploads that face ids come from,
// the queries of face verifications, and the OCR of pictures that a server sends.
// [Simulator.RunOCR], [Simulator.RunFace] and [Simulator.RunH5] are the vendor's clients:
// they take what a front end is given to start with, and return what it hands back.
//
// The simulator is hostile by default: credentials die as the vendor says they do, a
// nonce, a NONCE ticket, a face id and the order number of an upload work once, and
// whatever a client sends that the vendor does not document is refused and written down
// (see [Simulator.Violations]). The first letters of an order number, or of the user of a
// NONCE ticket, choose what happens to the call (see [Scenarios]).
//
// It shares no code with the product: signatures, lives and documents are
// derived here from the vendor's documents alone.
//
// # Limitations
//
// Nobody tried this against the live service, which may differ. Inferred are:
//
//   - which error code answers which mistake, beyond the vendor's descriptions:
//     a dead access token is 400102, a dead ticket and a bad sign are 400101,
//     an app_id that does not exist is 400105 on every call;
//   - that business errors are HTTP 200 without a result member;
//   - that a replayed nonce is refused: the vendor only calls it random;
//   - that an undocumented parameter or member, a member that is no string, an order
//     number missing in the URL of a POST and a body of unknown length are refused: the
//     real service may take them;
//   - that a POST may name the app by app_id, too, which only pages of a GET do;
//   - that a token kills at most the pairs before it, one overlap after it was
//     issued, and that a third token does not kill the first any sooner;
//   - that a token and the SIGN ticket of the pair count separately: a newer
//     SIGN ticket retires the one before it even under the same token;
//   - that a refused client has not used up its NONCE ticket, except where the face id
//     is what it was refused for;
//   - that an upload with an order number that was used is refused, and its code
//     (66669998), as well as the codes of a verdict (66669004, 66669005): the vendor's
//     table of them could not be read;
//   - that a verification that is not done yet, that is older than three days, or that
//     the client gave up, is answered as an order number that does not exist (66660020);
//   - what getOcrCertId answers, and the members of the answers about pictures;
//   - the limit of a body, 10 MB;
//   - how long a connection is kept between two calls, which Config.KeepAlive sets;
//   - the codes in an ID card's warnings, which the vendor lists elsewhere.
//
// Not simulated: get_native changes nothing; rate limits are a scenario, not counted;
// answers are never compressed; OCR, faces and the mode or licence of an SDK, so that
// every order number without an upload exists unless its scenario says otherwise; the
// documented 500 KB of a picture, of which only the length of its text is checked; the
// members of getWillFaceId beyond those of the other uploads, which are not looked at.
package simulator
