package acl

import (
	"maps"
	"slices"

	"holdfast/glob"
)

// Access is what is done with a key.
type Access uint8

// What is done with a key. A command that only asks for a key's existence or deadline does neither.
const (
	Read Access = 1 << iota
	Write
)

// selector permits commands, keys and channels.
type selector struct {
	catalogue *Catalogue
	commands  bits
	// every: all commands are permitted. No command was taken away since it was said; a check need not look at the bits.
	every bool
	// future: the rules begin with +@all, so that a command which the server does not have yet will be permitted.
	future bool
	// first are arguments with which a command, by ID, is permitted that otherwise is not.
	first map[int][]string

	allKeys     bool
	keys        []keyPattern
	allChannels bool
	channels    []string
}

type keyPattern struct {
	pattern string
	access  Access
}

func newSelector(c *Catalogue, allChannels bool) *selector {
	return &selector{catalogue: c, commands: newBits(len(c.commands)), allChannels: allChannels}
}

func (s *selector) clone() *selector {
	other := *s
	other.commands = s.commands.clone()
	other.first = maps.Clone(s.first)
	for id, words := range other.first {
		other.first[id] = slices.Clone(words)
	}
	other.keys = slices.Clone(s.keys)
	other.channels = slices.Clone(s.channels)
	return &other
}

// permitsAll reports whether nothing at all is forbidden.
func (s *selector) permitsAll() bool { return s.every && s.allKeys && s.allChannels }

// permits looks at a request. If it is not permitted, at is the argument that is to blame, 0 for the command itself.
func (s *selector) permits(r *Request) (d Denial, at int) {
	if !s.every && !r.Always && !s.permitsCommand(r) {
		return DeniedCommand, 0
	}
	if !s.allKeys {
		for _, k := range r.Keys {
			if !s.permitsKey(r.Args[k.At], k.Access) {
				return DeniedKey, k.At
			}
		}
	}
	if !s.allChannels {
		for i := r.Channels.From; i < min(r.Channels.To, len(r.Args)); i++ {
			if !s.permitsChannel(r.Args[i], r.Channels.Patterns) {
				return DeniedChannel, i
			}
		}
	}
	return Allowed, 0
}

func (s *selector) permitsCommand(r *Request) bool {
	if s.commands.has(r.Command) {
		return true
	}
	if len(r.Args) < 2 {
		return false
	}
	for _, word := range s.first[r.Command] {
		if equalFold(word, r.Args[1]) {
			return true
		}
	}
	return false
}

func (s *selector) permitsKey(key []byte, access Access) bool {
	for i := range s.keys {
		k := &s.keys[i]
		if k.access&access == access && glob.Match([]byte(k.pattern), key) {
			return true
		}
	}
	return false
}

// permitsEachKey reports whether no key at all is forbidden for this access.
func (s *selector) permitsEachKey(access Access) bool {
	return s.allKeys || slices.ContainsFunc(s.keys, func(k keyPattern) bool {
		return k.access&access == access && k.pattern == "*"
	})
}

// permitsChannel: a pattern to subscribe to is permitted only where it is one of the selector's, letter by letter.
func (s *selector) permitsChannel(channel []byte, isPattern bool) bool {
	return slices.ContainsFunc(s.channels, func(p string) bool {
		if isPattern {
			return p == string(channel)
		}
		return glob.Match([]byte(p), channel)
	})
}

// equalFold compares ASCII letters in any case, and anything else as it is.
func equalFold(a string, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range b {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
