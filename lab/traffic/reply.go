package traffic

import (
	"bytes"
	"fmt"
	"strconv"

	"holdfast/resp"
)

// AppendReply appends a reply as it came on the wire. What a Decoder does not keep is not given back: how an integer was
// spelt (`:+1`), which aggregate was null, and attributes, which no server sends unless asked to.
func AppendReply(dst []byte, r resp.Reply) []byte {
	switch r.Kind {
	case '_':
		return append(dst, "_\r\n"...)
	case ':':
		return appendLine(dst, ':', strconv.AppendInt(nil, r.Int, 10))
	case '#':
		if r.Bool {
			return append(dst, "#t\r\n"...)
		}
		return append(dst, "#f\r\n"...)
	case ',':
		if len(r.Str) == 0 { // one that no Decoder made
			return appendLine(dst, ',', strconv.AppendFloat(nil, r.Float, 'g', 17, 64))
		}
		return appendLine(dst, ',', r.Str)
	case '$', '!':
		if r.Null {
			return append(dst, "$-1\r\n"...)
		}
		return appendBulk(dst, r.Kind, "", r.Str)
	case '=':
		return appendBulk(dst, '=', r.Ext+":", r.Str)
	case '*', '~', '>', '%':
		if r.Null {
			return append(dst, "*-1\r\n"...)
		}
		n := len(r.Elems)
		if r.Kind == '%' {
			n /= 2
		}
		dst = appendLine(dst, r.Kind, strconv.AppendInt(nil, int64(n), 10))
		for _, e := range r.Elems {
			dst = AppendReply(dst, e)
		}
		return dst
	default: // + - (
		return appendLine(dst, r.Kind, r.Str)
	}
}

func appendLine(dst []byte, kind byte, text []byte) []byte {
	return append(append(append(dst, kind), text...), "\r\n"...)
}

func appendBulk(dst []byte, kind byte, prefix string, text []byte) []byte {
	dst = appendLine(dst, kind, strconv.AppendInt(nil, int64(len(prefix)+len(text)), 10))
	return append(append(append(dst, prefix...), text...), "\r\n"...)
}

// replies reads the bytes of Reply events, all with one Decoder: it has a buffer that would be dear to make for each.
type replies struct {
	from    bytes.Reader
	decoder *resp.Decoder
}

func (p *replies) parse(wire []byte) (resp.Reply, error) {
	if p.decoder == nil {
		p.decoder = resp.NewDecoder(&p.from)
	}
	p.from.Reset(wire)
	r, err := p.decoder.Decode()
	if err == nil && p.decoder.Buffered() > 0 {
		err = resp.ErrMalformed
	}
	if err != nil {
		p.decoder = nil
		return resp.Reply{}, fmt.Errorf("a reply of %d bytes: %w", len(wire), err)
	}
	return r, nil
}
