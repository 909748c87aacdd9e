package upstream

// Type is what was photographed.
type Type string

// The types that have a result query. Driver and vehicle licences have none.
const (
	BankCard Type = "bankcard"
	IDCard   Type = "idcard"
)

// original is a photo as it was taken, and the field that says with "0" that it was
// recognised; none where an answer with code 0 says so.
type original struct{ field, code string }

var types = map[Type]struct {
	path      string
	photos    []string
	originals []original
}{
	BankCard: {"/api/server/getBankCardOcrResult",
		[]string{"bankcardCropPhoto", "bankcardNoPhoto", "originBankcardPhoto"},
		[]original{{"originBankcardPhoto", ""}}},
	IDCard: {"/api/server/getOcrResult",
		[]string{"frontPhoto", "backPhoto", "frontCrop", "backCrop", "headPhoto"},
		[]original{{"frontPhoto", "frontCode"}, {"backPhoto", "backCode"}}},
}

// IsKnown reports whether t has a result query.
func (t Type) IsKnown() bool { return types[t].path != "" }

// Path returns the path of the result query.
func (t Type) Path() string { return types[t].path }

// Photos returns the fields of the result that hold photos. Callers do not change
// the slice.
func (t Type) Photos() []string { return types[t].photos }
