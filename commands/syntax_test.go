package commands

import (
	"reflect"
	"strings"
	"testing"
)

// print writes arguments as a syntax line.
func print(args []Argument) string {
	var items []string
	for _, a := range args {
		items = append(items, printArgument(a))
	}
	return strings.Join(items, " ")
}

func printArgument(a Argument) string {
	body := a.Name
	switch a.Kind {
	case PureToken:
		body = ""
	case Block:
		body = print(a.Parts)
	case OneOf:
		var choices []string
		for _, p := range a.Parts {
			choices = append(choices, printArgument(p))
		}
		body = strings.Join(choices, " | ")
		if !a.Optional || a.Token != "" || a.Multiple {
			body = "<" + body + ">"
		}
	}
	if a.Multiple && !a.MultipleToken {
		body += " [" + body + " ...]"
	}
	body = strings.TrimSpace(a.Token + " " + body)
	if a.MultipleToken {
		body += " [" + body + " ...]"
	}
	if a.Optional {
		return "[" + body + "]"
	}
	return body
}

// The syntax lines are more than text: what is read from them says the same as they do.
func TestSyntaxLinesOfTheTable(t *testing.T) {
	check := func(cmd *Command) {
		args, err := ParseSyntax(cmd.Syntax)
		if err != nil {
			t.Errorf("%s: %v", cmd.FullName(), err)
			return
		}
		if got := print(args); got != cmd.Syntax {
			t.Errorf("%s\n line %s\n read %s", cmd.FullName(), cmd.Syntax, got)
		}
	}
	for _, cmd := range NewTable().All() {
		check(cmd)
		for _, sub := range cmd.Subs {
			check(sub)
		}
	}
}

func TestParseSyntax(t *testing.T) {
	nx, xx := Argument{Name: "nx", Kind: PureToken, Token: "NX"}, Argument{Name: "xx", Kind: PureToken, Token: "XX"}
	for _, x := range []struct {
		line string
		want []Argument
	}{
		{"", nil},
		{"key", []Argument{{Name: "key"}}},
		{"key [key ...]", []Argument{{Name: "key", Multiple: true}}},
		{"[key [key ...]]", []Argument{{Name: "key", Multiple: true, Optional: true}}},
		{"[NX | XX]", []Argument{{Name: "nx_xx", Kind: OneOf, Optional: true, Parts: []Argument{nx, xx}}}},
		{"<NX | XX>", []Argument{{Name: "nx_xx", Kind: OneOf, Parts: []Argument{nx, xx}}}},
		{"TYPE <NX | XX>", []Argument{{Name: "nx_xx", Kind: OneOf, Token: "TYPE", Parts: []Argument{nx, xx}}}},
		{"[EX seconds | NX]", []Argument{{Name: "seconds_nx", Kind: OneOf, Optional: true,
			Parts: []Argument{{Name: "seconds", Token: "EX"}, nx}}}},
		{"[LIMIT offset count]", []Argument{{Name: "offset_count", Kind: Block, Token: "LIMIT", Optional: true,
			Parts: []Argument{{Name: "offset"}, {Name: "count"}}}}},
		{"[COUNT count [NX]]", []Argument{{Name: "count_nx", Kind: Block, Optional: true,
			Parts: []Argument{{Name: "count", Token: "COUNT"}, {Name: "nx", Kind: PureToken, Token: "NX", Optional: true}}}}},
		{"key value [key value ...]", []Argument{{Name: "key_value", Kind: Block, Multiple: true,
			Parts: []Argument{{Name: "key"}, {Name: "value"}}}}},
		{"[W weight [weight ...]]", []Argument{{Name: "weight", Token: "W", Optional: true, Multiple: true}}},
		{"[P prefix [P prefix ...]]", []Argument{{Name: "prefix", Token: "P", Optional: true, Multiple: true, MultipleToken: true}}},
	} {
		got, err := ParseSyntax(x.line)
		if err != nil || !reflect.DeepEqual(got, x.want) {
			t.Errorf("%s\n got  %+v, %v\n want %+v", x.line, got, err, x.want)
		}
	}
}

func TestMalformedSyntaxLines(t *testing.T) {
	for _, line := range []string{
		"[", "]", "key ]", "[key", "<key]", "[]", "[key | ]", "key ...", "[key ...]", "a [b ...]", "a [a ... b]", "a <a ...>",
		"a | b", "a [a | a ...]", strings.Repeat("[a ", 40) + strings.Repeat("]", 40),
	} {
		if args, err := ParseSyntax(line); err == nil {
			t.Errorf("%q was read as %+v", line, args)
		}
	}
}

// Whatever the line, it is read or refused.
func FuzzParseSyntax(f *testing.F) {
	for _, cmd := range NewTable().All() {
		f.Add(cmd.Syntax)
		for _, sub := range cmd.Subs {
			f.Add(sub.Syntax)
		}
	}
	f.Fuzz(func(t *testing.T, line string) {
		args, err := ParseSyntax(line)
		if err == nil && strings.TrimSpace(line) != "" && len(args) == 0 {
			t.Errorf("%q was read as nothing", line)
		}
	})
}
