package config

import "slices"

// A group is a hook on settings that mean something only together, such as a certificate and its key.
type group struct {
	members []*setting
	hook    func(value func(name string) string) error
}

// OnChangeOf registers a hook that is called once for each SetMany that names one of these settings, with the values that
// all of them are to have. It is called even if every value stays the same, since the settings are names of files, and it
// is the files that may have changed. For errors see OnChange.
func (c *Config) OnChangeOf(names []string, hook func(value func(name string) string) error) {
	g := &group{hook: hook}
	for _, name := range names {
		g.members = append(g.members, c.mustLookup(name))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.groups = append(c.groups, g)
}

// agreeGroups asks the hooks of the groups that the changes touch. It returns the first refusal, and the name that it is about;
// undo gives the hooks that had agreed the old values back.
func (c *Config) agreeGroups(changes []change) (undo []func() error, name string, err error) {
	for _, g := range c.groups {
		i := slices.IndexFunc(changes, func(ch change) bool { return slices.Contains(g.members, ch.s) })
		if i < 0 {
			continue
		}
		if err := g.hook(func(name string) string { return c.pending(changes, name) }); err != nil {
			return undo, changes[i].name, err
		}
		undo = append(undo, func() error { return g.hook(func(name string) string { return c.pending(nil, name) }) })
	}
	return undo, "", nil
}

// pending is the value that a setting will have after the changes.
func (c *Config) pending(changes []change, name string) string {
	s := c.mustLookup(name)
	for _, ch := range changes {
		if ch.s == s {
			return ch.next.text
		}
	}
	return s.value.Load().text
}
