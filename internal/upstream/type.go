package upstream

// Type is what was photographed.
type Type string

// The types that have a result query. Driver and vehicle licences have none.
const (
	BankCard Type = "bankcard"
	IDCard   Type = "idcard"
	Face     Type = "face" // a face verification, and its video
)

// original is a photo as it was taken, and the field that says with "0" that it was
// recognised; none where an answer with code 0 says so.
type original struct{ field, code string }

// kind is what there is to know of a type.
type kind struct {
	typ       Type
	call      Call
	photos    []string
	originals []original
}

var kinds = [...]kind{
	{BankCard, BankCardResult,
		[]string{"bankcardCropPhoto", "bankcardNoPhoto", "originBankcardPhoto"},
		[]original{{"originBankcardPhoto", ""}}},
	{IDCard, IDCardResult,
		[]string{"frontPhoto", "backPhoto", "frontCrop", "backCrop", "headPhoto"},
		[]original{{"frontPhoto", "frontCode"}, {"backPhoto", "backCode"}}},
	{Face, FaceRecord,
		[]string{"photo", "video"},
		// No page says that every product records a video: a success without one is whole.
		[]original{{"photo", ""}}},
}

// kind returns what there is to know of the type, the zero kind of one that is not known.
func (t Type) kind() kind {
	for i := range kinds {
		if kinds[i].typ == t {
			return kinds[i]
		}
	}
	return kind{}
}

// IsKnown reports whether t is a type of OCR that has a result query. Face is not one.
func (t Type) IsKnown() bool { return t != Face && t.kind().call != "" }

// Call returns the result query, "" of an unknown type.
func (t Type) Call() Call { return t.kind().call }

// Path returns the path of the result query.
func (t Type) Path() string { return t.Call().Path() }

// Photos returns the fields of the result that hold photos or a video. Callers do not change
// the slice.
func (t Type) Photos() []string { return t.kind().photos }
