package aof

import (
	"bytes"
	"encoding/hex"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The example of docs/format-log.md, which others write readers by, is what is written, byte for byte.
func TestTheExampleOfTheFormat(t *testing.T) {
	doc, err := os.ReadFile("../docs/format-log.md")
	if err != nil {
		t.Fatal(err)
	}
	id := [16]byte{'h', 'o', 'l', 'd', 'f', 'a', 's', 't', 1, 2, 3, 4, 5, 6, 7, 8}
	seed, created := seedOf(id, 1), int64(1_700_000_000_000)
	want := header{version: Version, first: 1, id: id, created: created}.encode()
	for i, args := range [][][]byte{{[]byte("SET"), []byte("k"), []byte("v")}, {[]byte("DEL"), []byte("k")}} {
		r := appendRecord(nil, uint64(i+1), created+123+333*int64(i), 0, AppendCommand(nil, 0, args...))
		sealRecord(r, uint64(i), seed)
		want = append(want, r...)
	}
	want = append(want, make([]byte, 16)...)

	lines := regexp.MustCompile(`(?m)^    ([0-9a-f]{4}) ((?: {1,2}[0-9a-f]{2}){8,16})(?:  …)? *(\S*)$`).FindAllStringSubmatch(string(doc), -1)
	if len(lines) < 10 {
		t.Fatalf("%d lines of an example: %q", len(lines), lines)
	}
	for _, line := range lines {
		at, err := strconv.ParseUint(line[1], 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		b, err := hex.DecodeString(strings.ReplaceAll(line[2], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, want[at:at+uint64(len(b))]) {
			t.Errorf("%s: %x, expected %x", line[1], b, want[at:at+uint64(len(b))])
		}
		text := slices.Clone(b)
		for i, c := range text {
			if c < ' ' || c > '~' {
				text[i] = '.'
			}
		}
		if line[3] != "" && line[3] != string(text) {
			t.Errorf("%s: %s, expected %s", line[1], line[3], text)
		}
	}
}
