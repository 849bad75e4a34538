package rdb

import "errors"

// opFunction is before each library in what FUNCTION DUMP replies.
const opFunction = 245

// ErrNotFunction says that a payload holds something else than libraries.
var ErrNotFunction = errors.New("rdb: not a library of functions")

// EncodeFunctions returns the payload of libraries, given by their code, as FUNCTION DUMP replies it.
func EncodeFunctions(codes [][]byte) []byte {
	var b []byte
	for _, code := range codes {
		b = appendString(append(b, opFunction), code)
	}
	return seal(b, version7_0)
}

// DecodeFunctions reads such a payload. max is the most bytes of one library. The error is ErrChecksum, ErrNotFunction or
// ErrCorrupt.
func DecodeFunctions(payload []byte, max int64) (codes [][]byte, err error) {
	body, err := open(payload)
	if err != nil {
		return nil, err
	}
	r := &reader{b: body, max: max}
	for len(r.b) > 0 {
		if r.byte() != opFunction {
			return nil, ErrNotFunction
		}
		code := r.string()
		if r.failed {
			return nil, ErrCorrupt
		}
		codes = append(codes, code)
	}
	return codes, nil
}
