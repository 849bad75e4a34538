package rdb

import (
	"encoding/binary"
	"strings"
	"testing"
)

// ziplistOf puts elements, each its form and its data, into a ziplist.
func ziplistOf(elements ...string) []byte {
	b := make([]byte, ziplistHead)
	before := 0
	for _, e := range elements {
		start := len(b)
		if before < 254 {
			b = append(b, byte(before))
		} else {
			b = binary.LittleEndian.AppendUint32(append(b, 254), uint32(before))
		}
		b = append(b, e...)
		before = len(b) - start
	}
	b = append(b, runEnd)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	binary.LittleEndian.PutUint16(b[8:], uint16(len(elements)))
	return b
}

// What servers before 7.0 wrote is read too. No such server is here: the bytes are made by hand from the description.
func TestOlderTypes(t *testing.T) {
	long := strings.Repeat("x", 300)
	numbers := ziplistOf("\x03abc", "\xf1", "\xfd", "\xfe\xfb", "\xc0\x2c\x01", "\xf0\x00\x00\x80", "\xd0\xff\xff\xff\x7f",
		"\xe0\x00\x00\x00\x00\x00\x00\x00\x80", "\x41\x2c"+long, "\x80\x00\x00\x01\x2c"+long, "\x00")
	want := `"abc" "0" "12" "-5" "300" "-8388608" "2147483647" "-9223372036854775808" "` + long + `" "` + long + `" "" `
	pairs := ziplistOf("\x01f", "\xf3", "\x01g", "\x031.5")
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"a list in one ziplist":   {appendBytes([]byte{typeListZiplist}, numbers), want},
		"a list in ziplists":      {appendBytes(appendBytes([]byte{typeListZiplists, 2}, numbers), numbers), want + want},
		"a hash in a ziplist":     {appendBytes([]byte{typeHashZiplist}, pairs), "false 9223372036854775807\n\"f\" \"2\" 0 \"g\" \"1.5\" 0 "},
		"a sorted set in one":     {appendBytes([]byte{typeZSetZiplist}, ziplistOf("\x01b", "\x031.5", "\x01a", "\xf3")), "false\n\"b\" 1.5 \"a\" 2 "},
		"a sorted set in decimal": {[]byte("\x03\x03\x01a\x031.5\x01b\xfe\x01c\xff"), "false\n\"c\" -Inf \"a\" 1.5 \"b\" +Inf "},
	} {
		o, err := Decode(seal(c.body, 9), testRules())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := plain(o); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	broken := ziplistOf("\x01f", "\xf3")
	broken[ziplistHead+3]++ // the length before the second element
	if _, err := Decode(seal(appendBytes([]byte{typeListZiplist}, broken), 9), testRules()); err == nil {
		t.Error("a ziplist whose lengths disagree is read")
	}
}
