package integration

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// How long TestDifferences goes on, and how many commands each of its sequences has.
const (
	differTime     = 15 * time.Second
	differCommands = 200
)

// Random sequences of commands of all families have the same replies on both servers, and leave the same keys. What is
// known to differ is in known. Here the sequences are the same ones each time; INTEGRATION_FUZZ=5m plays others for so long, and
// INTEGRATION_SEED=n begins with the sequence n, which a failure names. A sequence that fails is made shorter before it is
// shown.
func TestDifferences(t *testing.T) {
	length, seed := differTime, uint64(1)
	if text := os.Getenv("INTEGRATION_FUZZ"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("INTEGRATION_FUZZ: %v", err)
		}
		seed = rand.Uint64() >> 16
	}
	seed = envUint(t, "INTEGRATION_SEED", seed)
	t.Logf("seed %d", seed)
	d := differ{t: t, ours: dial(t, start(t, subject, Options{Fsync: "no"}).Addr), theirs: dial(t, start(t, model, Options{Fsync: "no"}).Addr)}
	must(t, d.theirs, "CONFIG", "SET", "hz", "500") // it looks so often whether somebody has waited long enough
	g := generator{commands: commandSyntax(t, d.ours, d.theirs)}
	const failuresMax = 5
	for end, failures := time.Now().Add(length), 0; failures < failuresMax && (time.Now().Before(end) || d.sequences == 0); seed++ {
		sequence := g.sequence(seed, differCommands)
		d.speak(2 + int(seed%2))
		if d.play(sequence) != "" {
			failures++
			short := d.shorten(sequence)
			t.Errorf("INTEGRATION_SEED=%d: %s\n%s", seed, d.play(short), strings.Join(quotedWords(short), "\n"))
		}
	}
	t.Logf("%d sequences, %d commands, %d of them refused by redis", d.sequences, d.commands, d.refused)
}

func quotedWords(sequence [][]string) (lines []string) {
	for _, words := range sequence {
		lines = append(lines, fmt.Sprintf("    %.300q", words))
	}
	return lines
}

// differ plays sequences on both servers.
type differ struct {
	t            *testing.T
	ours, theirs *Conn

	sequences, commands, refused int
}

// speak chooses RESP2 or RESP3.
func (d *differ) speak(proto int) {
	for _, c := range []*Conn{d.ours, d.theirs} {
		must(d.t, c, "HELLO", fmt.Sprint(proto))
	}
}

// play plays a sequence to its first difference, and tells that, or nothing.
func (d *differ) play(sequence [][]string) string {
	d.sequences++
	for _, c := range []*Conn{d.ours, d.theirs} {
		must(d.t, c, "FLUSHALL")
	}
	const together = 25
	for chunk := range slices.Chunk(sequence, together) {
		var request []byte
		for _, words := range chunk {
			request = AppendCommand(request, words...)
		}
		for _, c := range []*Conn{d.ours, d.theirs} {
			if err := c.Write(request); err != nil {
				d.t.Fatal(err)
			}
		}
		if difference := d.compareReplies(chunk); difference != "" {
			return difference
		}
	}
	return d.compareKeys()
}

// compareReplies reads all replies to a chunk, so that the connections are good for the next.
func (d *differ) compareReplies(chunk [][]string) (difference string) {
	for _, words := range chunk {
		ours, err := d.ours.Read()
		if err != nil {
			d.t.Fatalf("holdfast, after %.300q: %v", words, err)
		}
		theirs, err := d.theirs.Read()
		if err != nil {
			d.t.Fatalf("redis, after %.300q: %v", words, err)
		}
		d.commands++
		if theirs.IsError() {
			d.refused++
		}
		if difference == "" && !sameReply(words, ours, theirs) {
			difference = fmt.Sprintf("%.300q\n  holdfast  %.300q\n  redis     %.300q", words, ours.Raw, theirs.Raw)
		}
	}
	return difference
}

// compareKeys compares what is left: everything at once, and if that differs, key by key.
func (d *differ) compareKeys() string {
	if bytes.Equal(must(d.t, d.ours, "DEBUG", "DIGEST").Raw, must(d.t, d.theirs, "DEBUG", "DIGEST").Raw) {
		return ""
	}
	for _, e := range must(d.t, d.theirs, "KEYS", "*").Elems {
		ours, theirs := must(d.t, d.ours, "DEBUG", "DIGEST-VALUE", e.Text), must(d.t, d.theirs, "DEBUG", "DIGEST-VALUE", e.Text)
		if !bytes.Equal(ours.Raw, theirs.Raw) {
			return fmt.Sprintf("%q is another %s", e.Text, must(d.t, d.theirs, "TYPE", e.Text).Text)
		}
	}
	return "holdfast has another set of keys"
}

// shorten leaves out of a sequence what it fails without, in ever smaller pieces.
func (d *differ) shorten(sequence [][]string) [][]string {
	before := d.sequences
	for size := len(sequence) / 2; size > 0; size /= 2 {
		for at := 0; at < len(sequence) && len(sequence) > 1; {
			less := slices.Concat(sequence[:at], sequence[min(at+size, len(sequence)):])
			if d.play(less) != "" {
				sequence = less
			} else {
				at += size
			}
		}
	}
	d.sequences = before
	return sequence
}

// known is how replies are compared that cannot be the same bytes, by command.
var known = map[string]Step{
	// No order.
	"smembers": {Rule: RuleUnordered}, "sunion": {Rule: RuleUnordered}, "sinter": {Rule: RuleUnordered}, "sdiff": {Rule: RuleUnordered},
	"keys": {Rule: RuleUnordered}, "hkeys": {Rule: RuleUnordered}, "hvals": {Rule: RuleUnordered}, "hgetall": {Rule: RulePairs},
	// Cursors and the size of steps are the server's own.
	"scan": {Rule: RuleType}, "hscan": {Rule: RuleType}, "sscan": {Rule: RuleType}, "zscan": {Rule: RuleType},
	// The clock.
	"ttl": {Rule: RuleNear, Within: 3}, "pttl": {Rule: RuleNear, Within: 3000}, "expiretime": {Rule: RuleNear, Within: 3},
	"pexpiretime": {Rule: RuleNear, Within: 3000}, "xpending": {Rule: RuleShape}, "xinfo": {Rule: RuleType},
	// What a value is kept in, and with whom it is shared.
	"object": {Rule: RuleType},
}

func sameReply(words []string, ours, theirs Reply) bool {
	name := strings.ToLower(words[0])
	switch {
	case (name == "zrank" || name == "zrevrank") && len(words) != 3: // WITHSCORE, of 7.2
		return true
	case (name == "xread" || name == "xreadgroup") && slices.Contains(words, "+"): // the last entry, of 7.4
		return true
	}
	step := known[name]
	if by := slices.Index(words, "BY") + 1; (name == "sort" || name == "sort_ro") && by > 0 && by < len(words) && !strings.Contains(words[by], "*") {
		step.Rule = RuleShape // not sorted, and a set has no order
	}
	if ours.IsError() || theirs.IsError() {
		step = Step{}
	}
	return step.Same(ours, theirs)
}
