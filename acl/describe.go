package acl

import (
	"slices"
	"strings"
)

// The printed form is Redis 7.0's: flags, passwords, keys, channels, commands, then the further selectors in parentheses.
// What was said of commands is not remembered, only the bits. They are printed as all or none, then the categories that
// bring most of them, then single commands: whoever reads it gets the same bits.

// String is the user's rules in one line.
func (u *User) String() string { return strings.Join(u.Words(), " ") }

// Words are the user's rules, selectors in one piece.
func (u *User) Words() []string {
	var words []string
	words = append(words, u.Flags()...)
	for _, p := range u.passwords {
		words = append(words, "#"+p)
	}
	words = append(words, u.selectors[0].words()...)
	for _, s := range u.selectors[1:] {
		inside := s.words()
		for i, word := range inside {
			inside[i] = quoteInside(word)
		}
		words = append(words, "("+strings.Join(inside, " ")+")")
	}
	return words
}

// quoteInside writes a word so that it can stand in parentheses, where a ) at its end or a quote would be misread. Redis
// does not, and cannot read such rules back.
func quoteInside(word string) string {
	if !strings.HasSuffix(word, ")") && !strings.ContainsAny(word, `"'`) {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}

// Flags are the words about the user.
func (u *User) Flags() []string {
	flags := []string{"off"}
	if u.enabled {
		flags[0] = "on"
	}
	if u.noPass {
		flags = append(flags, "nopass")
	}
	switch u.sanitize {
	case sanitizeSkip:
		flags = append(flags, "skip-sanitize-payload")
	case sanitizeAlways:
		flags = append(flags, "sanitize-payload")
	}
	return flags
}

// Passwords are SHA-256 sums in hexadecimal.
func (u *User) Passwords() []string { return u.passwords }

// Rules are what a selector permits, as text.
type Rules struct{ Commands, Keys, Channels string }

// Rules of each selector, the root first.
func (u *User) Rules() []Rules {
	var all []Rules
	for _, s := range u.selectors {
		all = append(all, Rules{
			Commands: strings.Join(s.commandWords(), " "),
			Keys:     strings.Join(s.keyWords(), " "),
			Channels: strings.Join(s.channelWords(), " "),
		})
	}
	return all
}

func (s *selector) words() []string {
	channels := s.channelWords()
	if !s.allChannels {
		channels = append([]string{"resetchannels"}, channels...)
	}
	return slices.Concat(s.keyWords(), channels, s.commandWords())
}

func (s *selector) keyWords() []string {
	if s.allKeys {
		return []string{"~*"}
	}
	var words []string
	for _, k := range s.keys {
		words = append(words, [...]string{"", "%R~", "%W~", "~"}[k.access]+k.pattern)
	}
	return words
}

func (s *selector) channelWords() []string {
	if s.allChannels {
		return []string{"&*"}
	}
	var words []string
	for _, pattern := range s.channels {
		words = append(words, "&"+pattern)
	}
	return words
}

func (s *selector) commandWords() []string {
	add, sign, inverse := true, "+", "-"
	said := newSelector(s.catalogue, false) // what the words so far permit
	words := []string{"-@all"}
	if s.future {
		add, sign, inverse = false, "-", "+"
		words[0] = "+@all"
		said.allCommands(true)
	}
	rest := newSelector(s.catalogue, false) // what of s the words so far do not explain
	rest.commands = s.commands.clone()
	var used uint64
	for {
		best := rest.bestCategory(add, used)
		if best < 0 {
			break
		}
		name := s.catalogue.categories[best]
		_ = said.applyCommand(add, "@"+name) // there is such a category
		_ = rest.applyCommand(inverse == "+", "@"+name)
		words = append(words, sign+"@"+name)
		used |= 1 << best
	}
	return append(words, s.singleWords(said)...)
}

// bestCategory is the category that explains most of what is left: most of its commands are in it, and those that are not
// are as few as can be. -1 if there is none.
func (s *selector) bestCategory(add bool, used uint64) int {
	best, bestDiff, bestSame := -1, len(s.catalogue.commands)+1, 0
	for i := range s.catalogue.categories {
		if used&(1<<i) != 0 {
			continue
		}
		on, off := s.count(1 << i)
		same, diff := on, off
		if !add {
			same, diff = off, on
		}
		if same > diff && (diff < bestDiff || diff == bestDiff && same > bestSame) {
			best, bestDiff, bestSame = i, diff, same
		}
	}
	return best
}

// count is how many commands of a category are permitted, and how many are not.
func (s *selector) count(category uint64) (on, off int) {
	for _, cmd := range s.catalogue.commands {
		switch {
		case cmd.categories&category == 0 || !cmd.counted:
		case s.commands.has(cmd.id):
			on++
		default:
			off++
		}
	}
	return on, off
}

// singleWords are the commands in which s differs from what has been said so far, in the order of their names.
func (s *selector) singleWords(said *selector) (words []string) {
	for _, cmd := range s.catalogue.byNames() {
		on := s.commands.has(cmd.id)
		if on != said.commands.has(cmd.id) {
			words = append(words, map[bool]string{true: "+", false: "-"}[on]+cmd.name)
			said.permit(cmd, on)
		}
		if !on {
			for _, word := range s.first[cmd.id] {
				words = append(words, "+"+cmd.name+"|"+word)
			}
		}
	}
	return words
}

// byNames are the commands by their names, each before its subcommands.
func (c *Catalogue) byNames() []*command {
	return slices.SortedFunc(slices.Values(c.commands), func(a, b *command) int { return strings.Compare(a.name, b.name) })
}
