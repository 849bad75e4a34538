package lists

import "holdfast/outline"

// Assembly makes a list of its elements, the first one first.
func Assembly() outline.Assembly {
	return outline.Assembly{ElementMax: PartBytesMax, Begin: func(s outline.Site) outline.Assembler { return assembler{NewBuilder(s.Part)} }}
}

type assembler struct{ to *Builder }

func (a assembler) Add(e outline.Element) error {
	if err := Check(e); err != nil {
		return err
	}
	return a.to.Add(e.Pieces[0].Bytes)
}

func (a assembler) End() (head []byte, err error) { return a.to.End() }

func (assembler) Discard() error { return nil }

// Check looks whether an element is one of a list: outline.ErrNoValue. One of which nothing but its bytes is known is.
func Check(e outline.Element) error {
	if e.Has(outline.Item) || e.Has("") {
		return nil
	}
	return outline.ErrNoValue
}
