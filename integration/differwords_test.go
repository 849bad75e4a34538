package integration

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// syntax is a command, or an argument of one, as COMMAND DOCS describes it.
type syntax struct {
	words                             []string // of a command: its name, in one word or two
	group                             string
	name, kind, token                 string
	hasToken                          bool
	optional, multiple, multipleToken bool
	parts                             []syntax
}

// differGroups are the families whose commands have replies that follow from the commands before.
var differGroups = []string{"generic", "string", "list", "set", "sorted-set", "hash", "stream", "bitmap", "hyperloglog", "geo"}

// differNever are commands among them that go by chance or by the clock, or that are about the server.
var differNever = []string{"spop", "srandmember", "hrandfield", "zrandmember", "randomkey", "dump", "migrate", "wait", "pfselftest", "pfdebug",
	"restore-asking"}

// commandSyntax is what Redis says of the commands that both servers have.
func commandSyntax(t *testing.T, ours, theirs *Conn) (commands []syntax) {
	t.Helper()
	var have []string
	for _, e := range must(t, ours, "COMMAND", "LIST").Elems {
		have = append(have, strings.ToLower(e.Text))
	}
	docs := must(t, theirs, "COMMAND", "DOCS").Elems
	for i := 0; i+1 < len(docs); i += 2 {
		if name := docs[i].Text; slices.Contains(have, name) && !slices.Contains(differNever, name) {
			commands = append(commands, commandsOf([]string{name}, docs[i+1])...)
		}
	}
	commands = slices.DeleteFunc(commands, func(c syntax) bool { return !slices.Contains(differGroups, c.group) })
	slices.SortFunc(commands, func(a, b syntax) int { return slices.Compare(a.words, b.words) })
	if len(commands) < 150 {
		t.Fatalf("only %d commands", len(commands))
	}
	return commands
}

// commandsOf is a command, or its subcommands.
func commandsOf(words []string, doc Reply) (commands []syntax) {
	own := syntax{words: words}
	for i := 0; i+1 < len(doc.Elems); i += 2 {
		value := doc.Elems[i+1]
		switch doc.Elems[i].Text {
		case "group":
			own.group = value.Text
		case "arguments":
			own.parts = argumentsOf(value)
		case "subcommands":
			for j := 0; j+1 < len(value.Elems); j += 2 {
				_, sub, _ := strings.Cut(value.Elems[j].Text, "|")
				if sub != "help" {
					commands = append(commands, commandsOf([]string{words[0], sub}, value.Elems[j+1])...)
				}
			}
		}
	}
	for i := range commands {
		commands[i].group = own.group
	}
	if len(commands) > 0 {
		return commands
	}
	return []syntax{own}
}

func argumentsOf(list Reply) (args []syntax) {
	for _, e := range list.Elems {
		var a syntax
		for i := 0; i+1 < len(e.Elems); i += 2 {
			value := e.Elems[i+1]
			switch e.Elems[i].Text {
			case "name":
				a.name = value.Text
			case "type":
				a.kind = value.Text
			case "token":
				a.token, a.hasToken = value.Text, true
			case "flags":
				for _, flag := range value.Elems {
					a.optional = a.optional || flag.Text == "optional"
					a.multiple = a.multiple || strings.HasPrefix(flag.Text, "multiple")
					a.multipleToken = a.multipleToken || flag.Text == "multiple_token"
				}
			case "arguments":
				a.parts = argumentsOf(value)
			}
		}
		args = append(args, a)
	}
	return args
}

// generator makes sequences of commands by their syntax.
type generator struct {
	commands []syntax

	rng   *rand.Rand
	group string // of the command under way
	count int    // where its number of keys stands, 0 if it has none
	last  int    // the highest ID of an entry so far
}

// sequence is always the same for a seed.
func (g *generator) sequence(seed uint64, n int) (sequence [][]string) {
	g.rng, g.last = rand.New(rand.NewPCG(seed, 7)), 0
	// A sequence is about some of the families, so that its commands meet.
	about := []string{differGroups[g.rng.IntN(len(differGroups))], differGroups[g.rng.IntN(len(differGroups))]}
	var these []syntax
	for _, c := range g.commands {
		if slices.Contains(about, c.group) {
			these = append(these, c)
		}
	}
	for range n {
		c := these[g.rng.IntN(len(these))]
		if g.chance(10) {
			c = g.commands[g.rng.IntN(len(g.commands))]
		}
		sequence = append(sequence, g.command(c))
	}
	return sequence
}

// chance is true once in n times.
func (g *generator) chance(n int) bool { return g.rng.IntN(n) == 0 }

func (g *generator) one(words ...string) string { return words[g.rng.IntN(len(words))] }

func (g *generator) command(c syntax) []string {
	g.group, g.count = c.group, 0
	words := g.arguments(slices.Clone(c.words), c.parts)
	if words[0] == "bitfield" { // SET with SAT makes the highest number of this one in Redis
		words = slices.DeleteFunc(words, func(word string) bool { return word == "-9223372036854775808" })
	}
	if strings.HasPrefix(words[0], "sort") && slices.Contains(words, "BY") { // texts that weigh the same come in no order
		words = slices.DeleteFunc(words, func(word string) bool { return word == "ALPHA" })
	}
	blocks := strings.HasPrefix(words[0], "b") && !strings.HasPrefix(words[0], "bit") || strings.HasPrefix(words[0], "xread")
	if first := len(c.words); len(words) > first && !blocks && g.chance(12) {
		g.spoil(&words, first+g.rng.IntN(len(words)-first))
	}
	return words
}

// spoil makes a command wrong, most likely: a word too few or too many, or a strange one.
func (g *generator) spoil(words *[]string, at int) {
	switch g.rng.IntN(4) {
	case 0:
		*words = slices.Delete(*words, at, at+1)
	case 1:
		*words = slices.Insert(*words, at, g.strange())
	default:
		(*words)[at] = g.strange()
	}
}

func (g *generator) strange() string {
	return g.one("", "x", "-1", "+1", "01", " 1", "1.5", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "nan", "inf",
		"-inf", "1e400", "\x00\xff\r\n", "(1", "[a", "0x10")
}

// notForBoth are words after which the servers are known to differ (docs/compatibility.md), or that mean the clock or chance.
var notForBoth = []string{"*", "~", "STOREDIST"}

func (g *generator) arguments(words []string, args []syntax) []string {
	for _, a := range args {
		if a.optional && !g.chance(3) || slices.Contains(notForBoth, a.token) {
			continue
		}
		times := 1
		if a.multiple {
			times += g.rng.IntN(3)
		}
		if a.multiple && a.kind == "key" && g.count > 0 && !g.chance(20) {
			words[g.count] = fmt.Sprint(times)
		}
		for i := range times {
			if a.hasToken && (i == 0 || a.multipleToken) {
				words = append(words, a.token)
			}
			words = g.argument(words, a)
		}
	}
	return words
}

func (g *generator) argument(words []string, a syntax) []string {
	switch a.kind {
	case "pure-token":
		return words
	case "oneof":
		parts := slices.DeleteFunc(slices.Clone(a.parts), func(p syntax) bool { return slices.Contains(notForBoth, p.token) })
		part := parts[g.rng.IntN(len(parts))]
		part.optional = false
		return g.arguments(words, []syntax{part})
	case "block":
		return g.arguments(words, a.parts)
	case "key":
		return append(words, g.key())
	}
	if a.name == "numkeys" {
		g.count = len(words)
		return append(words, "1")
	}
	return append(words, g.value(a))
}

// key is of the command's own family as a rule, so that it holds the right type. Places have keys of their own: where the
// score of a member is none, the servers differ (docs/compatibility.md).
func (g *generator) key() string {
	family := g.group
	switch {
	case family == "geo":
		return g.one("geo", "geo", "geo2", "geo3", "string", "list")
	case family == "generic" || g.chance(8) || family == "bitmap" && g.chance(2):
		family = g.one("string", "list", "set", "sorted-set", "hash", "stream", "bitmap", "hyperloglog")
	}
	return g.one("", family, family+"2", family+"3", family+"\r\n\x00")
}

func (g *generator) value(a syntax) string {
	name := strings.ToLower(a.name)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
	}
	switch {
	case name == "db" || has("destination-db"):
		return g.one("0", "1", "2", "15", "16", "-1")
	case name == "timeout":
		return g.one("0.005", "-1", "x", "0.001")
	case a.token == "BLOCK":
		return g.one("1", "-1", "x", "2")
	case a.kind == "unix-time" && a.hasToken: // in the past, redis keeps the key until somebody asks for it
		return g.one("4000000000000", "-1", "0", "9223372036854775807", "99999999999999", "-9223372036854775808")
	case a.kind == "unix-time" || has("seconds", "ttl", "min-idle-time", "idletime") || name == "ms" || name == "time":
		return g.one("100000000", "500000", "-1", "0", "9223372036854775807", "99999999999999", "-9223372036854775808", "4000000000000")
	case has("encoding"):
		return g.one("u8", "i8", "u1", "u63", "i64", "i5", "u16", "i33", "u64", "i65", "i0", "x")
	case g.group == "stream" && (has("id", "start", "end", "threshold") || name == "min" || name == "max"):
		return g.id()
	case has("cursor"):
		return g.one("0", "0", "x", "-1")
	case a.kind == "pattern":
		return g.one("*", "a*", "?", "[a-c]", "stream*->f", "#", "nosort", "x_*", "")
	case has("longitude", "latitude", "radius", "width", "height"):
		return g.one("0", "13.361389", "38.115556", "15.08", "-180", "85.05", "200", "1000", "37.5", "1e3")
	case a.kind == "double" || has("score", "increment", "weight") || name == "min" || name == "max":
		return g.number()
	case a.kind == "integer":
		return g.integer()
	case has("group", "consumer"):
		return g.one("g", "h", "g", "", "nobody")
	}
	return g.text()
}

func (g *generator) id() string {
	if g.chance(3) {
		g.last++
		return fmt.Sprintf("%d-%d", g.last, g.rng.IntN(3))
	}
	return g.one("0", "0-0", "0-1", "1", "1-1", "2-2", "3-0", "5", "7-3", "-", "+", "$", ">", "(1-1", "(5", "18446744073709551615-18446744073709551615",
		"18446744073709551616", "x", "1-x", "1-*", "")
}

func (g *generator) integer() string {
	if g.chance(12) {
		return g.one("9223372036854775807", "-9223372036854775808", "4294967296", "-2147483649", "100000", "-100000", "1000")
	}
	return fmt.Sprint(g.rng.IntN(14) - 4)
}

// number is none that C's strtod finds too small: Redis's SORT fails after one that any command has read.
func (g *generator) number() string {
	if g.chance(4) {
		return g.one("inf", "-inf", "(1", "(-inf", "+inf", "1e300", "-1e300", "0.1", "3.0", "9007199254740993", "[a", "(b", "-", "+", "12345.678901234567")
	}
	return fmt.Sprint(float64(g.rng.IntN(20)-5) / 2) // no -0, which a large sorted set does not keep
}

func (g *generator) text() string {
	switch g.rng.IntN(12) {
	case 0:
		return g.integer()
	case 1:
		return g.number()
	case 2:
		return g.one("", "\x00", "\xff\xfe", "a b", strings.Repeat("long", 20), strings.Repeat("x", 300), "12345678901234567890", "-5", "007")
	}
	return g.one("a", "b", "c", "d", "e", "f", "g", "h", "ab", "abc", "1", "2", "3")
}
