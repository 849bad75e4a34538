package commands

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// print writes arguments as a syntax line.
func print(args []Argument) string {
	var items []string
	for i, a := range args {
		item := printArgument(a)
		alone := a.Kind == Block && a.Token == ""
		if a.Kind == Value && a.Token != "" && i+1 < len(args) { // which the token would take for its own
			alone = args[i+1].Kind == Value && args[i+1].Token == "" && !args[i+1].Optional
		}
		if alone && !a.Optional && !a.Multiple {
			item = "<" + item + ">"
		}
		items = append(items, item)
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
		if a.Token != "" && slices.ContainsFunc(a.Parts, notPlain) {
			body = "<" + body + ">"
		}
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

// notPlain tells what a token before it would not take without brackets.
func notPlain(a Argument) bool { return a.Kind != Value || a.Token != "" || a.Optional }

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
		{"[NX | XX]", []Argument{{Name: "condition", Kind: OneOf, Optional: true, Parts: []Argument{nx, xx}}}},
		{"<NX | XX>", []Argument{{Name: "condition", Kind: OneOf, Parts: []Argument{nx, xx}}}},
		{"TYPE <NX | XX>", []Argument{{Name: "condition", Kind: OneOf, Token: "TYPE", Parts: []Argument{nx, xx}}}},
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

// What is told of arguments is told of arguments that there are.
func TestDetailsOfArguments(t *testing.T) {
	table := NewTable()
	for name, details := range detailsOfArguments() {
		cmd := table.FullLookup([]byte(name))
		if cmd == nil {
			t.Errorf("there is no command %q", name)
			continue
		}
		if _, err := documentedArguments(cmd.Syntax, details); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	args, err := documentedArguments("a [ID b] <c | A x>", []string{"-1.2.3", "ID", "1.0.0", "a", "c_x=d", "2.0.0", "x"})
	want := []Argument{{Name: "a", Since: "1.0.0"}, {Name: "b", Token: "ID", Optional: true, Deprecated: "1.2.3"},
		{Name: "d", Kind: OneOf, Parts: []Argument{{Name: "c"}, {Name: "x", Token: "A", Since: "2.0.0"}}}}
	if err != nil || !reflect.DeepEqual(args, want) {
		t.Errorf("got  %+v, %v\nwant %+v", args, err, want)
	}
	if _, err := documentedArguments("a", []string{"1.0.0", "b"}); err == nil {
		t.Error("a detail of no argument was taken")
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
