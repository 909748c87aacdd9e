package upstream

import "kyc-ocr-relay/internal/jsonscan"

// Photo is where a photo, or the video of a face, stands in an answer: Body[From:To] is its JSON string, with
// the quotes.
type Photo struct {
	Field    string
	From, To int
}

// Photos returns where the photos in result stand, in the order of t.Photos(). What
// is absent, empty or no string is left out.
func (a *Answer) Photos(t Type) []Photo {
	from, to := a.result()
	places := map[string]Photo{}
	jsonscan.Places(a.Body[from:to], func(name string, f, t int) {
		places[name] = Photo{name, from + f, from + t}
	})
	var found []Photo
	for _, field := range t.Photos() {
		if p, ok := places[field]; ok && p.To-p.From > len(`""`) && a.Body[p.From] == '"' {
			found = append(found, p)
		}
	}
	return found
}

// Originals returns the fields of the photos as they were taken that will be in the
// result, if they are not yet: a side of an ID card that was not recognised has
// none, and a crop may stay empty.
func (a *Answer) Originals(t Type) (fields []string) {
	if a.Class != Success {
		return nil
	}
	from, to := a.result()
	for _, original := range t.kind().originals {
		if original.code != "" {
			if f, t := jsonscan.Find(a.Body[from:to], original.code); f == t || jsonscan.Scalar(a.Body[from+f:from+t]) != "0" {
				continue
			}
		}
		fields = append(fields, original.field)
	}
	return fields
}

// HasResult reports whether the answer has a result. Refusals have none.
func (a *Answer) HasResult() bool {
	from, to := a.result()
	return from < to
}

// result returns where the object result stands; from equals to where there is none.
func (a *Answer) result() (from, to int) {
	from, to = jsonscan.Find(a.Body, "result")
	if from == to || a.Body[from] != '{' {
		return 0, 0
	}
	return from, to
}
