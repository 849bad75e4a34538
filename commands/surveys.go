package commands

import "holdfast/outline"

// surveyString is kv.Type.Survey for strings. Whether Redis would keep one that is short in one piece with its header
// depends on its past too, which is not stored.
func surveyString(f outline.Form) (outline.Summary, error) {
	s := outline.Summary{Encoding: "raw", Elements: 1}
	if f.Size > embeddedMax {
		return s, nil
	}
	if s.Encoding = "embstr"; f.Size <= int64(len(f.Body)) {
		if _, integer := ParseInt(f.Body); integer {
			s.Encoding = "int"
		}
	}
	return s, nil
}

func walkString(f outline.Form, visit outline.Visitor) error {
	text, err := f.Whole()
	if err != nil {
		return err
	}
	return visit(outline.Element{Pieces: []outline.Piece{{Role: outline.Text, Bytes: text}}})
}

func checkString(e outline.Element) error {
	if e.Has(outline.Text) {
		return nil
	}
	return outline.ErrNoValue
}
