package commands

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A row's syntax line says what a command's arguments are, as people write it:
//
//	line   = {item}
//	item   = word | "[" choice "]" | "<" choice ">"      [optional] or <necessary>
//	choice = line {"|" line}                              of one line: what is in it stands together
//	word   = WORD | word                                  said as it is, or a value's name
//
//	again  = "[" items " ...]" directly behind the same items: they may be given several times
//
// A WORD belongs to the values, or to the <choice>, directly behind it: COUNT count, LIMIT offset count.
//
// Rejected: trees of arguments written out in the rows, as in the files that Redis generates its table from. They are
// twenty lines where the syntax line is one, and COMMAND DOCS is their only use. What a line cannot say is in argumentdocs.go.

// Argument is a part of a command's syntax, in the terms of COMMAND DOCS.
type Argument struct {
	Name string
	Kind ArgumentKind
	// Token is the word that announces the argument, or is it.
	Token    string
	Optional bool
	// Multiple: it may be given several times, with MultipleToken each time with the token.
	Multiple, MultipleToken bool
	// Since which version of Redis it is there, and since which deprecated; empty where the command's say it. A syntax line does
	// not tell them: see argumentDetails.
	Since, Deprecated string
	// Parts of a Block, choices of a OneOf.
	Parts []Argument
}

// ArgumentKind is how an argument is made up.
type ArgumentKind uint8

// The kinds of arguments. What a Value is, a string or a key or a number, its name says: see docs.go.
const (
	Value ArgumentKind = iota
	PureToken
	Block
	OneOf
)

var errSyntaxLine = errors.New("malformed syntax line")

// ParseSyntax reads a syntax line.
func ParseSyntax(line string) ([]Argument, error) {
	p := syntaxParser{words: syntaxWords(line)}
	items, err := p.items("", 0)
	if err != nil {
		return nil, fmt.Errorf("%w %q: %w", errSyntaxLine, line, err)
	}
	return arguments(items), nil
}

// syntaxWords cuts a line at blanks and around brackets.
func syntaxWords(line string) []string {
	for _, mark := range []string{"[", "]", "<", ">"} {
		line = strings.ReplaceAll(line, mark, " "+mark+" ")
	}
	return strings.Fields(line)
}

// syntaxItem is an item of a line before it is known which WORD belongs to what.
type syntaxItem struct {
	word     string         // or, where empty:
	choices  [][]syntaxItem // between brackets
	optional bool
	again    bool // it may be given several times
}

func (a syntaxItem) equal(b syntaxItem) bool {
	return a.word == b.word && a.optional == b.optional && a.again == b.again &&
		slices.EqualFunc(a.choices, b.choices, func(x, y []syntaxItem) bool {
			return slices.EqualFunc(x, y, syntaxItem.equal)
		})
}

// syntaxDepth bounds the nesting of brackets.
const syntaxDepth = 16

type syntaxParser struct {
	words []string
	at    int
}

// items reads up to the closing mark, or to one of the marks | and ..., which it leaves to the caller.
func (p *syntaxParser) items(closing string, depth int) ([]syntaxItem, error) {
	if depth > syntaxDepth {
		return nil, errors.New("too many brackets")
	}
	var items []syntaxItem
	for ; p.at < len(p.words); p.at++ {
		switch word := p.words[p.at]; word {
		case "[", "<":
			item, again, err := p.brackets(depth)
			if err != nil {
				return nil, err
			}
			if !again {
				items = append(items, item)
			} else if items, err = repeat(items, item.choices[0]); err != nil {
				return nil, err
			}
		case "]", ">", "|", "...":
			if closing == "" || (word == "]" || word == ">") && word != closing {
				return nil, fmt.Errorf("%s out of place", word)
			}
			return items, nil
		default:
			items = append(items, syntaxItem{word: word})
		}
	}
	if closing != "" {
		return nil, fmt.Errorf("%s is missing", closing)
	}
	return items, nil
}

// brackets reads from an opening mark to the closing one, and leaves p there. again: what is in them repeats the items
// before them.
func (p *syntaxParser) brackets(depth int) (item syntaxItem, again bool, err error) {
	item.optional = p.words[p.at] == "["
	closing := ">"
	if item.optional {
		closing = "]"
	}
	for {
		p.at++
		choice, err := p.items(closing, depth+1)
		if err != nil {
			return item, false, err
		}
		if len(choice) == 0 {
			return item, false, errors.New("empty brackets")
		}
		item.choices = append(item.choices, choice)
		switch mark := p.words[p.at]; {
		case mark == closing:
			return item, false, nil
		case mark == "...":
			p.at++
			if p.at == len(p.words) || p.words[p.at] != "]" || !item.optional || len(item.choices) > 1 {
				return item, false, errors.New("... out of place")
			}
			return item, true, nil
		}
	}
}

// repeat marks the items at the end, which are those that may come again.
func repeat(items, again []syntaxItem) ([]syntaxItem, error) {
	n := len(items) - len(again)
	if n < 0 || !slices.EqualFunc(items[n:], again, syntaxItem.equal) {
		return nil, errors.New("... does not repeat what is before it")
	}
	once := syntaxItem{choices: [][]syntaxItem{slices.Clone(again)}, again: true}
	if len(again) == 1 {
		once = again[0]
		once.again = true
	}
	return append(items[:n], once), nil
}

// isToken reports whether a word is said as it is: no letter in it is a small one.
func isToken(word string) bool { return word != "" && strings.ToUpper(word) == word }

// arguments finds out which WORD belongs to what.
func arguments(items []syntaxItem) []Argument {
	var args []Argument
	for i := 0; i < len(items); {
		item := items[i]
		i++
		if !isToken(item.word) {
			args = append(args, argument(item))
			continue
		}
		from := i
		if i < len(items) && items[i].choices != nil && !items[i].optional && !items[i].again {
			i++
		} else {
			for i < len(items) && items[i].word != "" && !isToken(items[i].word) {
				i++
			}
		}
		args = append(args, announced(item.word, arguments(items[from:i])))
	}
	return args
}

// announced is what a token and the arguments behind it make together.
func announced(token string, behind []Argument) Argument {
	switch len(behind) {
	case 0:
		return Argument{Name: tokenName(token), Kind: PureToken, Token: token}
	case 1:
		behind[0].Token = token
		return behind[0]
	}
	return Argument{Name: joinNames(behind), Kind: Block, Token: token, Parts: behind}
}

// tokenName is how a token that is an argument by itself is called.
func tokenName(token string) string {
	switch token {
	case `""`:
		return "empty_string"
	case "=":
		return "equal"
	case "~":
		return "approximately"
	case "*":
		return "auto_id"
	case "$":
		return "new_id"
	case "CH":
		return "change"
	case "INCR":
		return "increment"
	case "ALPHA":
		return "sorting"
	}
	return strings.ToLower(token)
}

// argument is one item that no token announces.
func argument(item syntaxItem) Argument {
	var a Argument
	switch {
	case item.word != "":
		a = Argument{Name: item.word}
	case len(item.choices) == 1:
		a = sequenceArgument(arguments(item.choices[0]), item.again)
	default:
		a = Argument{Kind: OneOf}
		for _, choice := range item.choices {
			a.Parts = append(a.Parts, sequenceArgument(arguments(choice), false))
		}
		a.Name = joinNames(a.Parts)
	}
	a.Optional = a.Optional || item.optional
	a.Multiple = a.Multiple || item.again
	return a
}

// sequenceArgument makes one argument of several. again: each repetition says the token, if there is one, again.
func sequenceArgument(args []Argument, again bool) Argument {
	if len(args) > 1 {
		return Argument{Name: joinNames(args), Kind: Block, Parts: args}
	}
	if again && args[0].Token != "" {
		args[0].MultipleToken = true
	}
	return args[0]
}

func joinNames(args []Argument) string {
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = a.Name
	}
	return groupName(strings.Join(names, "_"))
}
