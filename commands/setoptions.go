package commands

import (
	"holdfast/expiry"
	"holdfast/resp"
)

// setOptions are the options of SET and GETEX.
type setOptions struct {
	nx, xx, get bool
	// time is the word that says what becomes of the deadline: EX, PX, EXAT, PXAT, KEEPTTL, PERSIST or none.
	time string
	unit expiry.Unit
	// number is what followed EX, PX, EXAT or PXAT, not yet looked at.
	number []byte
}

const (
	keepTTL = "KEEPTTL"
	persist = "PERSIST"
)

// timeWords are the options that a number follows.
var timeWords = [...]struct {
	word string
	unit expiry.Unit
}{
	{"EX", expiry.Unit{Seconds: true}},
	{"PX", expiry.Unit{}},
	{"EXAT", expiry.Unit{Seconds: true, Absolute: true}},
	{"PXAT", expiry.Unit{Absolute: true}},
}

// setOptions reads the options from argument i on: SET's, or those of GETEX. An option may be repeated, and the
// last number counts; two that exclude each other are a syntax error.
func (c *Call) setOptions(i int, set bool) (o setOptions, ok bool) {
	for ; i < len(c.Args); i++ {
		switch {
		case set && c.is(i, "NX") && !o.xx:
			o.nx = true
		case set && c.is(i, "XX") && !o.nx:
			o.xx = true
		case set && c.is(i, "GET"):
			o.get = true
		case set && c.is(i, keepTTL) && o.choose(keepTTL):
		case !set && c.is(i, persist) && o.choose(persist):
		case i+1 < len(c.Args) && o.chooseTime(c.Args[i], c.Args[i+1]):
			i++
		default:
			c.Reply.Error(resp.ErrSyntax)
			return o, false
		}
	}
	return o, true
}

// choose notes the word, and reports whether no other one was there.
func (o *setOptions) choose(word string) bool {
	if o.time != "" && o.time != word {
		return false
	}
	o.time = word
	return true
}

func (o *setOptions) chooseTime(option, number []byte) bool {
	for _, t := range timeWords {
		if equalFold(option, t.word) {
			o.unit, o.number = t.unit, number
			return o.choose(t.word)
		}
	}
	return false
}

// deadlineOf is the deadline that the options set, or expiry.None.
func (c *Call) deadlineOf(o setOptions) (int64, bool) {
	if o.number == nil {
		return expiry.None, true
	}
	return c.deadline(o.number, o.unit)
}

// deadline reads a time to live, or a unix time, which must be positive.
func (c *Call) deadline(number []byte, u expiry.Unit) (int64, bool) {
	n, ok := ParseInt(number)
	if !ok {
		c.Reply.Error(resp.ErrNotInteger)
		return 0, false
	}
	deadline, err := expiry.Deadline(n, u, c.Now)
	if n <= 0 || err != nil {
		c.Reply.Error(resp.ErrInvalidExpire(c.Cmd.Name))
		return 0, false
	}
	return deadline, true
}
