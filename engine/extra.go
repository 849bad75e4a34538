package engine

import (
	"encoding/binary"
	"errors"
)

// extra is what the base keeps beside keys, in the bytes of its meta that are the engine's:
//
//	section   tag u8 | length u32, little endian | bytes
//
// No bytes at all where there is nothing to keep. docs/format-base.md names the tags.
type extra struct {
	functions []byte // as FUNCTION DUMP replies them; nil for none
}

const tagFunctions = 'F'

// errExtra says that the bytes are none of ours, or of a version that keeps more.
var errExtra = errors.New("the base keeps something that this version does not know; use the version that wrote it")

func (x extra) encode() []byte {
	if x.functions == nil {
		return nil
	}
	b := binary.LittleEndian.AppendUint32([]byte{tagFunctions}, uint32(len(x.functions)))
	return append(b, x.functions...)
}

func decodeExtra(b []byte) (x extra, err error) {
	const head = 1 + 4
	for len(b) > 0 {
		if len(b) < head || b[0] != tagFunctions || x.functions != nil {
			return extra{}, errExtra
		}
		n := int64(binary.LittleEndian.Uint32(b[1:]))
		if b = b[head:]; n > int64(len(b)) {
			return extra{}, errExtra
		}
		x.functions, b = b[:n:n], b[n:]
	}
	return x, nil
}

// Functions returns the functions in what a base keeps beside its keys, snapshot.Meta.Extra, as FUNCTION DUMP replies them;
// nil for none. An error says that a newer version wrote it.
func Functions(extra []byte) ([]byte, error) {
	x, err := decodeExtra(extra)
	return x.functions, err
}
