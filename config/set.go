package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Set gives a setting a value. See SetMany.
func (c *Config) Set(origin Origin, name, value string) error {
	return c.SetMany(origin, [][2]string{{name, value}})
}

// SetMany gives several settings, as pairs of name and value, a value each: all of them or, on error, none.
// A setting whose value has a higher origin keeps it; the new value is checked all the same. The error is an
// *Error with the text that Redis 7.0 replies, for the pair that Redis would name.
func (c *Config) SetMany(origin Origin, pairs [][2]string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.permit(origin, pairs); err != nil {
		return err
	}
	changes, err := c.plan(origin, pairs)
	if err != nil {
		return err
	}
	if err := c.agree(changes); err != nil {
		return err
	}
	for _, ch := range changes {
		ch.s.value.Store(&ch.next)
		ch.s.origin = origin
	}
	return nil
}

// permit looks at the names only, as Redis does before it looks at the first value.
func (c *Config) permit(origin Origin, pairs [][2]string) error {
	seen := map[string]bool{}
	for _, pair := range pairs {
		name := strings.ToLower(pair[0])
		s := c.byName[name]
		switch {
		case s == nil:
			return c.unknown(pair[0])
		case origin == RunTime && s.Change == AtStart:
			return immutable(pair[0], "can't set immutable config")
		case origin == RunTime && s.Change == Protected:
			return immutable(pair[0], "can't set protected config")
		case seen[name]: // an alias beside its name is not a duplicate to Redis; the later one wins
			return &Error{Name: pair[0], Reason: "duplicate parameter", Advice: "give it once", Err: ErrDuplicate}
		}
		seen[name] = true
	}
	return nil
}

func immutable(name, reason string) *Error {
	return &Error{Name: name, Reason: reason, Advice: "set it in the file or by its flag, and restart", Err: ErrImmutable}
}

// A change is a checked value that is not yet in force.
type change struct {
	s    *setting
	name string // as Redis would name it in an error
	next value
}

// plan checks the values, and returns those that are to come into force: one change per setting at most.
func (c *Config) plan(origin Origin, pairs [][2]string) ([]change, error) {
	var changes []change
	for _, pair := range pairs {
		name := strings.ToLower(pair[0])
		steps, err := c.expand(name, pair[1])
		if err != nil {
			return nil, err
		}
		for _, step := range steps {
			s := c.mustLookup(step[0])
			i := slices.IndexFunc(changes, func(ch change) bool { return ch.s == s })
			old := s.value.Load()
			if i >= 0 {
				old = &changes[i].next
			}
			next, err := s.parse(step[1], old)
			switch {
			case err != nil:
				err.Name = name
				return nil, err
			case origin < s.origin:
				continue
			case i >= 0:
				changes[i].next = next
			default:
				changes = append(changes, change{s, name, next})
			}
		}
	}
	return changes, nil
}

// expand replaces a shorthand by the settings that it stands for.
func (c *Config) expand(name, value string) ([][2]string, *Error) {
	s := c.mustLookup(name)
	if s.Kind != KindAddr {
		return [][2]string{{name, value}}, nil
	}
	bind, port, ok := splitAddr(value)
	if !ok {
		return nil, s.invalid(name, value, "argument must be host:port")
	}
	return [][2]string{{"bind", bind}, {"port", port}}, nil
}

// agree asks the hooks of what differs, those of groups, and the one that is the last. If one refuses, those that had agreed are
// given the old value back.
func (c *Config) agree(changes []change) error {
	var undo []func() error
	var name string
	var err error
	for _, ask := range []func([]change) ([]func() error, string, error){agreeEach, c.agreeGroups, c.agreeLast} {
		var more []func() error
		more, name, err = ask(changes)
		undo = append(undo, more...)
		if err != nil {
			break
		}
	}
	if err == nil {
		return nil
	}
	reason := err.Error()
	for _, back := range slices.Backward(undo) {
		if failed := back(); failed != nil {
			reason += "; going back failed too: " + failed.Error()
			err = errors.Join(err, failed)
		}
	}
	return &Error{Name: name, Reason: reason, Err: fmt.Errorf("%w: %w", ErrRefused, err)}
}

// agreeEach asks the hooks of single settings; what it returns is as agreeGroups has it.
func agreeEach(changes []change) (undo []func() error, name string, err error) {
	for _, ch := range changes {
		old := *ch.s.value.Load()
		if reflect.DeepEqual(old.data, ch.next.data) {
			continue
		}
		for _, hook := range ch.s.hooks {
			if err := hook(ch.next); err != nil {
				return undo, ch.name, err
			}
			undo = append(undo, func() error { return hook(old) })
		}
	}
	return undo, "", nil
}

// OnChange registers a hook that is called with the new value, as CONFIG GET would print it, before it comes into
// force. An error refuses the change, and all changes of the same SetMany with it; a hook that had agreed is then
// called again with the old value. Hooks run one at a time, in the order in which they were registered, then those of OnChangeOf
// and OnChangeLast, and must not call Set, SetMany, OnChange, Origin or Rewrite. A value that stays the same calls no hook.
func (c *Config) OnChange(name string, hook func(value string) error) {
	c.hook(c.mustLookup(name), func(v value) error { return hook(v.text) })
}

func (c *Config) hook(s *setting, hook func(value) error) {
	if s.Kind == KindAddr {
		panic("BUG: config: " + s.Name + " is a shorthand; hook what it stands for")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.hooks = append(s.hooks, hook)
}
