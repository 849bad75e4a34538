package acl

import (
	"slices"
	"strings"

	"holdfast/config"
	"holdfast/resp"
)

// What is wrong with a rule. They are parts of replies, so their words are in resp.
const (
	errUnknown      = resp.Error(resp.ACLUnknownCommand)
	errSyntax       = resp.Error(resp.ACLSyntax)
	errAfterAllKeys = resp.Error(resp.ACLAfterAllKeys)
	errAfterAllChan = resp.Error(resp.ACLAfterAllChannels)
	errNoPassword   = resp.Error(resp.ACLNoPassword)
	errBadHash      = resp.Error(resp.ACLBadHash)
	errFirstOfSub   = resp.Error(resp.ACLFirstOfSub)
)

// RuleError is a rule that was not taken.
type RuleError struct {
	Rule string
	Err  error // one of the texts above
}

// Error is only the reason: a rule may be a password.
func (e *RuleError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *RuleError) Unwrap() error { return e.Err }

// A rulebook is what rules are read by.
type rulebook struct {
	catalogue *Catalogue
	// allChannels: a new selector permits all channels (acl-pubsub-default).
	allChannels bool
}

// apply applies rules, selectors in one piece each, to a user. On error some have been applied.
func (b rulebook) apply(u *User, rules []string) *RuleError {
	for _, rule := range rules {
		if err := b.applyOne(u, rule); err != nil {
			return &RuleError{Rule: rule, Err: err}
		}
	}
	return nil
}

func (b rulebook) applyOne(u *User, rule string) error {
	switch strings.ToLower(rule) {
	case "":
	case "on":
		u.enabled = true
	case "off":
		u.enabled = false
	case "nopass":
		u.noPass, u.passwords = true, nil
	case "resetpass":
		u.noPass, u.passwords = false, nil
	case "skip-sanitize-payload":
		u.sanitize = sanitizeSkip
	case "sanitize-payload":
		u.sanitize = sanitizeAlways
	case "clearselectors":
		u.selectors = u.selectors[:1]
	case "reset":
		fresh := newUser(u.Name, b.catalogue, b.allChannels)
		fresh.sanitize = sanitizeAlways
		*u = *fresh
	default:
		return b.applySigned(u, rule)
	}
	return nil
}

// applySigned is for rules that a sign begins, and those of the root selector.
func (b rulebook) applySigned(u *User, rule string) error {
	switch sign := rule[0]; {
	case sign == '>' || sign == '#' || sign == '<' || sign == '!':
		return u.password(sign, rule[1:])
	case sign == '(' && rule[len(rule)-1] == ')':
		s := newSelector(b.catalogue, b.allChannels)
		inside, err := config.SplitWords(rule[1 : len(rule)-1])
		if err != nil {
			inside = nil // as in Redis
		}
		for _, part := range inside {
			if err := s.apply(part); err != nil {
				return err
			}
		}
		u.selectors = append(u.selectors, s)
		return nil
	}
	return u.selectors[0].apply(rule)
}

// password adds (> and #) or takes away (< and !) a password, which is given itself or as its hash.
func (u *User) password(sign byte, text string) error {
	sum := text
	if sign == '>' || sign == '<' {
		sum = hash([]byte(text))
	} else if !isHash(text) {
		return errBadHash
	}
	at := slices.Index(u.passwords, sum)
	if sign == '>' || sign == '#' {
		if at < 0 {
			u.passwords = append(u.passwords, sum)
		}
		u.noPass = false
		return nil
	}
	if at < 0 {
		return errNoPassword
	}
	u.passwords = slices.Delete(u.passwords, at, at+1)
	return nil
}

// apply applies a rule about commands, keys or channels.
func (s *selector) apply(rule string) error {
	switch strings.ToLower(rule) {
	case "":
		return errSyntax
	case "allkeys", "~*":
		s.allKeys, s.keys = true, nil
		return nil
	case "resetkeys":
		s.allKeys, s.keys = false, nil
		return nil
	case "allchannels", "&*":
		s.allChannels, s.channels = true, nil
		return nil
	case "resetchannels":
		s.allChannels, s.channels = false, nil
		return nil
	case "allcommands", "+@all":
		s.allCommands(true)
		return nil
	case "nocommands", "-@all":
		s.allCommands(false)
		return nil
	}
	switch rule[0] {
	case '~':
		return s.addKeys(rule[1:], Read|Write)
	case '%':
		return s.addKeysFor(rule[1:])
	case '&':
		return s.addChannel(rule[1:])
	case '+', '-':
		return s.applyCommand(rule[0] == '+', rule[1:])
	}
	return errSyntax
}

// addKeysFor adds R~pattern, W~pattern or RW~pattern. As in Redis 7.0 what begins with ~ may be missing.
func (s *selector) addKeysFor(text string) error {
	if s.allKeys {
		return errAfterAllKeys
	}
	var access Access
	for i := range len(text) {
		switch a := accessOf(text[i]); {
		case text[i] == '~' && access != 0:
			return s.addKeys(text[i+1:], access)
		case a == 0 || access&a != 0:
			return errSyntax
		default:
			access |= a
		}
	}
	if access == 0 {
		return errSyntax
	}
	return s.addKeys("", access)
}

func accessOf(letter byte) Access {
	switch letter {
	case 'R', 'r':
		return Read
	case 'W', 'w':
		return Write
	}
	return 0
}

func (s *selector) addKeys(pattern string, access Access) error {
	if s.allKeys {
		return errAfterAllKeys
	}
	if hasBlank(pattern) {
		return errSyntax
	}
	if i := slices.IndexFunc(s.keys, func(k keyPattern) bool { return k.pattern == pattern }); i >= 0 {
		s.keys[i].access |= access
		return nil
	}
	s.keys = append(s.keys, keyPattern{pattern, access})
	return nil
}

func (s *selector) addChannel(pattern string) error {
	switch {
	case s.allChannels:
		return errAfterAllChan
	case hasBlank(pattern):
		return errSyntax
	case !slices.Contains(s.channels, pattern):
		s.channels = append(s.channels, pattern)
	}
	return nil
}

// hasBlank: blanks and zero bytes would not survive a file.
func hasBlank(text string) bool { return strings.ContainsAny(text, " \t\n\v\f\r\x00") }

// ValidName reports whether a user may be called so.
func ValidName(name string) bool { return !hasBlank(name) }

func (s *selector) allCommands(on bool) {
	s.commands.setAll(on)
	s.every, s.future, s.first = on, on, nil
}

// applyCommand permits or forbids what stands behind + or -.
func (s *selector) applyCommand(on bool, what string) error {
	if name, isCategory := strings.CutPrefix(what, "@"); isCategory {
		return s.applyCategory(on, name)
	}
	bar := strings.LastIndexByte(what, '|')
	if !on || bar < 0 {
		cmd := s.catalogue.lookup(what)
		if cmd == nil {
			return errUnknown
		}
		s.permit(cmd, on)
		return nil
	}
	cmd := s.catalogue.lookup(what[:bar])
	switch {
	case cmd == nil:
		return errUnknown
	case cmd.parent != nil:
		return errFirstOfSub
	case bar == len(what)-1, hasBlank(what):
		return errSyntax
	case len(cmd.subs) == 0:
		s.permitFirst(cmd, what[bar+1:])
		return nil
	}
	sub := s.catalogue.lookup(what)
	if sub == nil {
		return errUnknown
	}
	s.permit(sub, true)
	return nil
}

func (s *selector) applyCategory(on bool, name string) error {
	bit := s.catalogue.category(name)
	if bit == 0 {
		return errUnknown
	}
	for _, cmd := range s.catalogue.commands {
		if cmd.categories&bit != 0 {
			s.permit(cmd, on)
		}
	}
	return nil
}

// permit permits or forbids a command with its subcommands.
func (s *selector) permit(cmd *command, on bool) {
	s.commands.set(cmd.id, on)
	if !on {
		s.every = false
	}
	delete(s.first, cmd.id)
	for _, sub := range cmd.subs {
		s.permit(sub, on)
	}
}

// permitFirst permits a command with this first argument, whatever else is said of it.
func (s *selector) permitFirst(cmd *command, word string) {
	if slices.ContainsFunc(s.first[cmd.id], func(w string) bool { return equalFold(w, []byte(word)) }) {
		return
	}
	if s.first == nil {
		s.first = map[int][]string{}
	}
	s.first[cmd.id] = append(s.first[cmd.id], word)
}

// Merge puts the words of each selector, from one that begins with ( to one that ends with ), together. open is the index
// of a selector that does not end, or -1. One that begins within another makes the first one endless; Redis forgets what stands
// before it.
func Merge(words []string) (rules []string, open int) {
	open = -1
	for i, word := range words {
		switch begins := strings.HasPrefix(word, "(") && !strings.HasSuffix(word, ")"); {
		case begins && open >= 0:
			return rules, i
		case open >= 0:
			last := len(rules) - 1
			rules[last] += " " + word
			if strings.HasSuffix(word, ")") {
				open = -1
			}
		case begins:
			open = i
			rules = append(rules, word)
		default:
			rules = append(rules, word)
		}
	}
	return rules, open
}
