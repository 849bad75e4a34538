package commands

import (
	"encoding/binary"

	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/resp"
)

// BITOP <AND | OR | XOR | NOT> destkey key [key ...]
func bitOpCommand(c *Call) {
	var combine func(into, from []byte)
	switch {
	case c.is(1, "AND"):
		combine = andBits
	case c.is(1, "OR"):
		combine = orBits
	case c.is(1, "XOR"):
		combine = xorBits
	case !c.is(1, "NOT"):
		c.Reply.Error(resp.ErrSyntax)
		return
	case len(c.Args) != 4:
		c.Reply.Error(resp.ErrBitopNotSources)
		return
	}
	sources, ok := c.bitSources(c.Args[3:])
	if !ok {
		return
	}
	var result []byte
	if combine == nil {
		result = notBits(sources[0])
	} else {
		result = combineBits(sources, combine)
	}
	c.storeBits(c.Args[2], result)
	c.Reply.Int(int64(len(result)))
}

// bitSources are the strings under the keys, empty for a missing one; where a key holds something else, the reply
// says so.
func (c *Call) bitSources(keys [][]byte) ([][]byte, bool) {
	sources := make([][]byte, len(keys))
	for i, key := range keys {
		e, found := c.DB.Get(key)
		switch {
		case found && e.Kind() != kv.String:
			c.Reply.Error(resp.ErrWrongType)
			return nil, false
		case found:
			sources[i] = e.Text()
		}
	}
	return sources, true
}

// storeBits makes the key hold the result, which is raw as in Redis; an empty one deletes the key.
func (c *Call) storeBits(key, result []byte) {
	if len(result) == 0 {
		if _, found := c.DB.Peek(key); found {
			c.deleteKey(key)
		}
		return
	}
	c.DB.SetString(key, result, expiry.None)
	c.DB.EditString(key, true)
	c.Changed(EventString, "set", key)
}

func notBits(source []byte) []byte {
	result := make([]byte, len(source))
	i := 0
	for ; i+8 <= len(source); i += 8 {
		binary.NativeEndian.PutUint64(result[i:], ^binary.NativeEndian.Uint64(source[i:]))
	}
	for ; i < len(source); i++ {
		result[i] = ^source[i]
	}
	return result
}

// combineBits combines the sources from the first to the last; a shorter one goes on with zeros.
func combineBits(sources [][]byte, combine func(into, from []byte)) []byte {
	n := 0
	for _, s := range sources {
		n = max(n, len(s))
	}
	result := make([]byte, n)
	copy(result, sources[0])
	for _, s := range sources[1:] {
		combine(result, s)
	}
	return result
}

func andBits(into, from []byte) {
	i := 0
	for ; i+8 <= len(from); i += 8 {
		binary.NativeEndian.PutUint64(into[i:], binary.NativeEndian.Uint64(into[i:])&binary.NativeEndian.Uint64(from[i:]))
	}
	for ; i < len(from); i++ {
		into[i] &= from[i]
	}
	clear(into[len(from):])
}

func orBits(into, from []byte) {
	i := 0
	for ; i+8 <= len(from); i += 8 {
		binary.NativeEndian.PutUint64(into[i:], binary.NativeEndian.Uint64(into[i:])|binary.NativeEndian.Uint64(from[i:]))
	}
	for ; i < len(from); i++ {
		into[i] |= from[i]
	}
}

func xorBits(into, from []byte) {
	i := 0
	for ; i+8 <= len(from); i += 8 {
		binary.NativeEndian.PutUint64(into[i:], binary.NativeEndian.Uint64(into[i:])^binary.NativeEndian.Uint64(from[i:]))
	}
	for ; i < len(from); i++ {
		into[i] ^= from[i]
	}
}
