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

// OnChangeLast registers the hook of a setting whose change begins something that nobody can take back: there is one at most. It is
// called when all others have agreed, and with the values that all settings are to have, as OnChangeOf's; also where its setting
// stays the same, as what it is to be compared with is how things are.
func (c *Config) OnChangeLast(name string, hook func(value func(name string) string) error) {
	g := &group{members: []*setting{c.mustLookup(name)}, hook: hook}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil {
		panic("BUG: config: " + name + " cannot be the last to agree: " + c.last.members[0].Name + " is")
	}
	c.last = g
}

// agreeLast asks the hook that nobody asks to go back; what it returns is as agreeGroups has it.
func (c *Config) agreeLast(changes []change) (undo []func() error, name string, err error) {
	if c.last == nil {
		return nil, "", nil
	}
	_, name, err = c.agreeGroup(c.last, changes)
	return nil, name, err
}

// agreeGroups asks the hooks of the groups that the changes touch. It returns the first refusal, and the name that it is about;
// undo gives the hooks that had agreed the old values back.
func (c *Config) agreeGroups(changes []change) (undo []func() error, name string, err error) {
	for _, g := range c.groups {
		asked, name, err := c.agreeGroup(g, changes)
		if err != nil {
			return undo, name, err
		}
		if asked {
			undo = append(undo, func() error { return g.hook(func(name string) string { return c.pending(nil, name) }) })
		}
	}
	return undo, "", nil
}

// agreeGroup asks a group's hook if the changes touch it.
func (c *Config) agreeGroup(g *group, changes []change) (asked bool, name string, err error) {
	i := slices.IndexFunc(changes, func(ch change) bool { return slices.Contains(g.members, ch.s) })
	if i < 0 {
		return false, "", nil
	}
	return true, changes[i].name, g.hook(func(name string) string { return c.pending(changes, name) })
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
