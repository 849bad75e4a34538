package acl

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"holdfast/config"
)

// Users are all who may log in.
type Users struct {
	// Default is who every connection begins as. It is there always, and always the same one.
	Default *User
	// Log is what was refused.
	Log Log
	// Guesses are failed logins by address.
	Guesses Guesses

	catalogue *Catalogue
	channels  config.Handle[string] // acl-pubsub-default
	byName    map[string]*User
	open      atomic.Bool
	noPass    atomic.Bool
}

// NewUsers returns the default user alone, whose password the configuration says (requirepass), now and
// whenever that changes.
func NewUsers(catalogue *Catalogue, c *config.Config) *Users {
	u := &Users{catalogue: catalogue, channels: c.String("acl-pubsub-default"), byName: map[string]*User{}}
	u.Log.most = c.Int("acllog-max-len")
	u.Default = newDefault(catalogue, c.String("requirepass").Load())
	u.byName[DefaultName] = u.Default
	u.settle()
	c.OnChange("requirepass", func(password string) error {
		u.Default.setPassword(password)
		u.settle()
		return nil
	})
	return u
}

// newDefault is the default user as nobody has changed it: it may do everything.
func newDefault(catalogue *Catalogue, password string) *User {
	u := newUser(DefaultName, catalogue, true)
	u.enabled = true
	u.selectors[0].allKeys = true
	u.selectors[0].allCommands(true)
	u.setPassword(password)
	u.Mighty = true
	return u
}

// setPassword leaves one password; none where it is empty.
func (u *User) setPassword(password string) {
	u.noPass, u.passwords = password == "", nil
	if password != "" {
		u.passwords = []string{hash([]byte(password))}
	}
}

func (u *Users) rulebook() rulebook {
	return rulebook{catalogue: u.catalogue, allChannels: u.channels.Load() == "allchannels"}
}

// settle notes what is asked without the lock.
func (u *Users) settle() {
	u.open.Store(u.Default.enabled && u.Default.noPass)
	u.noPass.Store(u.Default.noPass)
}

// Open reports whether who connects need not log in. It may be called without the lock.
func (u *Users) Open() bool { return u.open.Load() }

// NoPass reports whether the default user has no password. It may be called without the lock.
func (u *Users) NoPass() bool { return u.noPass.Load() }

// Get finds a user, or nil.
func (u *Users) Get(name string) *User { return u.byName[name] }

// All are the users by their names.
func (u *Users) All() []*User {
	return slices.SortedFunc(maps.Values(u.byName), func(a, b *User) int { return strings.Compare(a.Name, b.Name) })
}

// Set makes a user, or changes one: all rules are applied, or on error none. Selectors are in one piece.
func (u *Users) Set(name string, rules []string) *RuleError {
	b := u.rulebook()
	user, staged := u.byName[name], newUser(name, u.catalogue, b.allChannels)
	if user != nil {
		staged = user.clone()
	}
	if err := b.apply(staged, rules); err != nil {
		return err
	}
	if user == nil {
		user = newUser(name, u.catalogue, false)
		u.byName[name] = user
	}
	user.become(staged)
	u.settle()
	return nil
}

// Delete takes a user away, and returns it; nil if there was none. The default user cannot go.
func (u *Users) Delete(name string) *User {
	user := u.byName[name]
	if user != nil && user != u.Default {
		delete(u.byName, name)
		return user
	}
	return nil
}

// LogIn reports whether somebody may log in as a user with a password, and who it is then.
func (u *Users) LogIn(name, password []byte) (*User, bool) {
	user := u.byName[string(name)]
	if user == nil {
		_ = hash(password) // so that it takes as long
		return nil, false
	}
	return user, user.Knows(password)
}
