package load

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"holdfast/resp"
)

// Words of a request that stand for something else each time. Other words are sent as they are.
const (
	WordKey     = "{key}"     // a key, chosen by the distribution
	WordNew     = "{new}"     // a key that has not been there
	WordValue   = "{value}"   // a value of the request's key
	WordCounter = "{counter}" // as {key}, with a name of its own: it holds a number
	WordNumber  = "{number}"  // a random number below the number of keys
	WordRange   = "{range}"   // keys with consecutive numbers, 1 to 100 of them, from a chosen one on
)

// rangeMax is YCSB's longest scan.
const rangeMax = 100

// slot is what a part of a template stands for.
type slot uint8

const (
	slotText slot = iota
	slotKey
	slotNew
	slotCounter
	slotValue
	slotNumber
	slotRange
)

// A part is a stretch of a request as it is on the wire, and what comes behind it.
type part struct {
	text []byte
	slot slot
}

// A template is a request, ready to be written many times: everything that is the same each time is encoded.
type template struct {
	parts  []part
	words  int  // fixed ones, placeholders other than {range} included
	ranges bool // has {range}
}

// choice is what a request was made of.
type choice struct {
	key   uint64
	count uint8 // keys of {range}
}

// newTemplate encodes words. At most one of them chooses a key; {value} without any is of key 0.
func newTemplate(words []string) (template, error) {
	var t template
	if len(words) == 0 {
		return t, errors.New("a request has no words")
	}
	var text []byte
	keys := 0
	for _, word := range words {
		s := slotOf(word)
		if s == slotText && hasPlaceholder(word) {
			return t, fmt.Errorf("in %q a placeholder is a part of a word; it has to be all of it", word)
		}
		if s == slotText {
			text = append(text, bulk(word)...)
			t.words++
			continue
		}
		if s == slotKey || s == slotNew || s == slotCounter || s == slotRange {
			keys++
		}
		if s == slotRange {
			t.ranges = true
		} else {
			t.words++
		}
		t.parts = append(t.parts, part{text, s})
		text = nil
	}
	if keys > 1 {
		return t, fmt.Errorf("%q chooses more than one key", strings.Join(words, " "))
	}
	if len(text) > 0 {
		t.parts = append(t.parts, part{text, slotText})
	}
	if !t.ranges {
		header := []byte("*" + strconv.Itoa(t.words) + "\r\n")
		t.parts[0].text = slices.Concat(header, t.parts[0].text)
	}
	return t, nil
}

// newLine is a request of plain words as an inline command.
func newLine(words []string) template {
	return template{parts: []part{{[]byte(strings.Join(words, " ") + "\r\n"), slotText}}}
}

// Placeholders lists the words that stand for something else.
func Placeholders() []string {
	return []string{WordKey, WordNew, WordCounter, WordValue, WordNumber, WordRange}
}

func hasPlaceholder(word string) bool {
	return slices.ContainsFunc(Placeholders(), func(p string) bool { return strings.Contains(word, p) })
}

func slotOf(word string) slot {
	switch word {
	case WordKey:
		return slotKey
	case WordNew:
		return slotNew
	case WordCounter:
		return slotCounter
	case WordValue:
		return slotValue
	case WordNumber:
		return slotNumber
	case WordRange:
		return slotRange
	}
	return slotText
}

// bulk encodes one word: what AppendCommand writes after its header.
func bulk(word string) []byte {
	const header = "*1\r\n"
	return resp.AppendCommand(nil, word)[len(header):]
}

// A maker writes requests of one loop.
type maker struct {
	keys   *keySpace
	values *values
	random *rand.Rand
}

// append appends a request and says what it was made of. Where again is given, its key is used and none chosen.
func (m *maker) append(dst []byte, t *template, again *choice) ([]byte, choice) {
	c := m.choose(t, again)
	if t.ranges {
		dst = append(dst, '*')
		dst = strconv.AppendInt(dst, int64(t.words)+int64(c.count), 10)
		dst = append(dst, "\r\n"...)
	}
	for i := range t.parts {
		p := &t.parts[i]
		dst = append(dst, p.text...)
		switch p.slot {
		case slotKey, slotNew:
			dst = appendKeyWord(dst, keyPrefix, c.key)
		case slotCounter:
			dst = appendKeyWord(dst, counterPrefix, c.key)
		case slotValue:
			dst = m.appendValue(dst, c.key)
		case slotNumber:
			dst = appendNumber(dst, m.random.Uint64N(m.keys.first))
		case slotRange:
			for n := range uint64(c.count) {
				dst = appendKeyWord(dst, keyPrefix, c.key+n)
			}
		}
	}
	return dst, c
}

// choose chooses the key that the template wants.
func (m *maker) choose(t *template, again *choice) choice {
	if again != nil {
		return *again
	}
	for i := range t.parts {
		switch t.parts[i].slot {
		case slotKey, slotCounter:
			return choice{key: m.keys.choose(m.random)}
		case slotNew:
			return choice{key: m.keys.insert()}
		case slotRange:
			return choice{key: m.keys.choose(m.random), count: uint8(1 + m.random.UintN(rangeMax))}
		}
	}
	return choice{}
}

func appendKeyWord(dst []byte, prefix string, key uint64) []byte {
	const header = "$16\r\n" // keyBytes
	return append(appendKey(append(dst, header...), prefix, key), "\r\n"...)
}

func (m *maker) appendValue(dst []byte, key uint64) []byte {
	dst = append(dst, '$')
	dst = strconv.AppendInt(dst, int64(m.values.size), 10)
	dst = append(dst, "\r\n"...)
	return append(m.values.append(dst, key, m.random.Uint64()), "\r\n"...)
}

func appendNumber(dst []byte, n uint64) []byte {
	var digits [20]byte
	text := strconv.AppendUint(digits[:0], n, 10)
	dst = append(dst, '$')
	dst = strconv.AppendInt(dst, int64(len(text)), 10)
	dst = append(dst, "\r\n"...)
	return append(append(dst, text...), "\r\n"...)
}
