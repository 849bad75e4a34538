package rdb

import (
	"fmt"

	"holdfast/kv"
	"holdfast/outline"
)

// LongText is from how many bytes on a string of a file is not read before it is asked for, if it is not compressed.
const LongText = 1 << 20

// measureText looks how long the string is that is the current key's value, and reads it unless it is long.
func (f *File) measureText() {
	r, k := &f.reader, &f.key
	n, isSpecial := r.anyLength()
	if !isSpecial && n > LongText {
		f.begin, f.long = f.Offset(), true
		for left := n; left > 0 && !r.failed; left -= min(left, pieceSize) {
			r.take(min(left, pieceSize))
		}
		k.Size = int64(min(n, uint64(f.window.size)))
		k.Summary = outline.Summary{Encoding: "raw", Elements: 1}
	} else {
		f.text = r.stringOf(n, isSpecial)
		k.Size = int64(len(f.text))
		k.Summary = outline.Summary{Encoding: stringEncoding(f.text), Elements: 1}
	}
	k.Longest = k.Size
}

func stringEncoding(text []byte) string {
	if _, ok := canonical(text); ok {
		return "int"
	}
	if len(text) <= 44 {
		return "embstr"
	}
	return "raw"
}

// LongText reports whether the current key's value is a long string, which Pieces reads.
func (f *File) LongText() bool { return f.long && f.key.Kind == kv.String }

// Pieces calls fn with a long string piece by piece. A piece is good until fn returns, whose error ends it and is returned.
func (f *File) Pieces(fn func(piece []byte) error) error {
	f.window.seek(&f.reader, f.begin)
	for left := f.key.Size; left > 0; {
		n := min(left, pieceSize)
		piece := f.reader.take(uint64(n))
		if f.reader.failed {
			return f.damage("the value is cut off or makes no sense")
		}
		if err := fn(piece); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// wholeText is the string that is the current key's value.
func (f *File) wholeText() ([]byte, error) {
	if !f.long {
		return f.text, nil
	}
	f.window.seek(&f.reader, f.begin)
	text := f.reader.take(uint64(f.key.Size))
	if f.reader.failed {
		return nil, f.damage("the value is cut off or makes no sense")
	}
	return text, nil
}

// PutText writes a string of so many bytes, of which pieces hands fn one piece after the other. It is not compressed.
func (w *Writer) PutText(k Key, size int64, pieces func(fn func(piece []byte) error) error) error {
	w.deadline(k)
	w.b = append(w.b, typeString)
	w.text(k.Name)
	w.b = appendLength(w.b, uint64(size))
	found := int64(0)
	err := pieces(func(piece []byte) error {
		found += int64(len(piece))
		w.b = append(w.b, piece...)
		return w.flush(writeAbove)
	})
	if err == nil && found != size {
		err = fmt.Errorf("%w: key %.100q has %d bytes where %d are announced", ErrCorrupt, k.Name, found, size)
	}
	return err
}
