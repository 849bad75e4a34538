// Package config is the table of directives: every setting of the server, one row each. From this one table
// come the flags of `holdfast serve`, the HOLDFAST_* variables, the directives of a redis.conf-style file, CONFIG
// GET, SET and REWRITE, and the reference in docs. Nothing else declares a setting.
//
//	table*.go → Directives() ─┬─ cmd: a flag for each row      → Set(Flag, …)     ┐
//	                          ├─ Environ: HOLDFAST_…           → Set(Environment) ├→ setting.value → Handle.Load
//	                          ├─ Load: redis.conf              → Set(File)        │   (atomic)     → Get, Match
//	                          └─ CONFIG SET                    → SetMany(RunTime) ┘                → Rewrite
//
// Invariants:
//   - A value in force is always one that its row accepts; there is no state between two values.
//   - The origin of a value never falls (default < file < environment < flag < run time), so the order in which
//     the sources are read does not matter, except within one source, where the later wins.
//   - A change is published after every hook has agreed to it, and several changes of one SetMany together do
//     or do not happen. A reader never sees a value that is then taken back.
//   - Names, bounds, normalised forms and error texts are those of Redis 7.0.15, where Redis has the setting.
//
// Rejected: a struct with a field per setting. It is shorter to read from, but name, default, bounds, flag, variable
// and documentation then live in six places, and a setting that is forgotten in one of them compiles. A Handle,
// resolved once at the start, costs a reader one atomic load and finds a wrong name or type before the server
// listens.
package config

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"holdfast/glob"
)

// Config holds the value of each directive. All methods are safe for concurrent use.
type Config struct {
	settings []*setting          // in the order of the table; the slice never changes
	byName   map[string]*setting // every name, alias and shorthand, in lower case; never changes

	mu     sync.Mutex // taken by whoever changes values; guards origin and hooks of each setting, and what follows
	groups []*group
	last   *group // whose hook is the last to be asked, if any
	users  []UserLine
}

// A setting is a row and its present value.
type setting struct {
	Directive
	value  atomic.Pointer[value] // nil in the row of a shorthand, which has no value of its own
	origin Origin                // guarded by Config.mu
	hooks  []func(value) error   // guarded by Config.mu
}

// Origin says where a value came from. A value replaces one of the same or of a lower origin.
type Origin int

// The origins, lowest first.
const (
	Default Origin = iota
	File
	Environment
	Flag
	RunTime // CONFIG SET
)

func (o Origin) String() string {
	return [...]string{"default", "file", "environment", "flag", "run time"}[o]
}

// New returns a Config in which every setting has its default.
func New() *Config {
	c := &Config{byName: map[string]*setting{}}
	for _, row := range Directives() {
		s := &setting{Directive: row}
		if row.Kind != KindAddr {
			v, err := s.parse(row.Default, nil)
			if err != nil {
				panic("BUG: config: default of " + row.Name + ": " + err.Error())
			}
			s.value.Store(&v)
		}
		c.settings = append(c.settings, s)
		for _, name := range row.Names() {
			if c.byName[name] != nil {
				panic("BUG: config: two rows named " + name)
			}
			c.byName[name] = s
		}
	}
	return c
}

// lookup finds a setting by any of its names; case does not matter. It returns nil if there is none.
func (c *Config) lookup(name string) *setting {
	return c.byName[strings.ToLower(name)]
}

// mustLookup is for names that stand in our own code.
func (c *Config) mustLookup(name string) *setting {
	s := c.lookup(name)
	if s == nil {
		panic(fmt.Sprintf("BUG: config: no setting named %q", name))
	}
	return s
}

// Get returns the value of a setting as CONFIG GET prints it.
func (c *Config) Get(name string) (string, bool) {
	s := c.lookup(name)
	if s == nil {
		return "", false
	}
	return c.text(s), true
}

// text returns the value of s; that of addr is made of bind and port.
func (c *Config) text(s *setting) string {
	if s.Kind == KindAddr {
		bind := c.mustLookup("bind").value.Load().data.([]string)
		return joinAddr(bind, c.mustLookup("port").value.Load().text)
	}
	return s.value.Load().text
}

// Origin returns where the value of a setting came from, for logs and documentation.
func (c *Config) Origin(name string) (Origin, bool) {
	s := c.lookup(name)
	if s == nil {
		return Default, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.origin, true
}

// Match returns name and value of every setting that one of the patterns finds, in the order of the table, once
// each, as CONFIG GET of Redis 7.0 does: a pattern with one of * ? [ is a glob and finds names and aliases;
// any other is a name, and comes back in the spelling of the question. Case does not matter.
func (c *Config) Match(patterns []string) [][2]string {
	asked := map[string]string{} // name in lower case → the spelling to answer with
	for _, pattern := range patterns {
		if strings.ContainsAny(pattern, "*?[") {
			c.matchGlob(pattern, asked)
		} else if name := strings.ToLower(pattern); c.byName[name] != nil {
			if _, ok := asked[name]; !ok {
				asked[name] = pattern
			}
		}
	}
	var found [][2]string
	for _, s := range c.settings {
		for _, name := range s.Names() {
			if spelling, ok := asked[name]; ok {
				found = append(found, [2]string{spelling, c.text(s)})
			}
		}
	}
	return found
}

func (c *Config) matchGlob(pattern string, asked map[string]string) {
	for _, s := range c.settings {
		for _, name := range slices.Concat([]string{s.Name}, s.Aliases) {
			if _, ok := asked[name]; !ok && glob.MatchFold([]byte(pattern), []byte(name)) {
				asked[name] = name
			}
		}
	}
}
