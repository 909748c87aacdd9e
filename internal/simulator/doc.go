// Package simulator is the vendor's OCR API as a strict [net/http.Handler]:
// access token, SIGN and NONCE ticket, and the two result queries. It is
// hostile by default: credentials die as the vendor says they do, a nonce works
// once, and whatever a client sends that the vendor does not document is
// refused and written down (see [Simulator.Violations]). The first letters of
// an order number choose what happens to its query (see [Scenarios]).
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
//   - that an undocumented parameter is refused: the real service may ignore it;
//   - that a token kills at most the pairs before it, one overlap after it was
//     issued, and that a third token does not kill the first any sooner;
//   - that a token and the SIGN ticket of the pair count separately: a newer
//     SIGN ticket retires the one before it even under the same token;
//   - the codes in an ID card's warnings, which the vendor lists elsewhere.
//
// Not simulated: get_native changes nothing; a NONCE ticket is issued but never
// redeemed, because only the vendor's client SDK does that; rate limits are a
// scenario, not counted; answers are never compressed; OCR itself, so every
// order number exists unless its scenario says otherwise.
package simulator
