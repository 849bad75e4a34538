package acl

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
)

// DefaultName is the user that every connection begins as.
const DefaultName = "default"

// User is somebody who may log in. It is changed in place, so that clients may hold on to it.
type User struct {
	Name string
	// Mighty: nothing is forbidden, and nobody need look.
	Mighty bool

	enabled  bool
	noPass   bool // any password will do
	sanitize sanitizing
	// passwords are SHA-256 sums in hexadecimal.
	passwords []string
	selectors []*selector // the first is the root, to which rules outside parentheses belong
}

// sanitizing is what was said of payloads for RESTORE. They are always checked here; the word is kept for the printed form.
type sanitizing uint8

const (
	sanitizeUnsaid sanitizing = iota
	sanitizeSkip
	sanitizeAlways
)

func newUser(name string, c *Catalogue, allChannels bool) *User {
	return &User{Name: name, selectors: []*selector{newSelector(c, allChannels)}}
}

// clone is a copy to try rules on.
func (u *User) clone() *User {
	other := *u
	other.passwords = slices.Clone(u.passwords)
	other.selectors = nil
	for _, s := range u.selectors {
		other.selectors = append(other.selectors, s.clone())
	}
	return &other
}

// become takes over everything but the name.
func (u *User) become(other *User) {
	name := u.Name
	*u = *other
	u.Name = name
	u.Mighty = slices.ContainsFunc(u.selectors, (*selector).permitsAll)
}

// Enabled reports whether the user may log in.
func (u *User) Enabled() bool { return u.enabled }

// NoPass reports whether any password will do.
func (u *User) NoPass() bool { return u.noPass }

// Knows reports whether the user may log in with the password. The time it takes tells nothing of the passwords.
func (u *User) Knows(password []byte) bool {
	if !u.enabled {
		return false
	}
	if u.noPass {
		return true
	}
	sum := []byte(hash(password))
	same := 0
	for _, p := range u.passwords {
		same |= subtle.ConstantTimeCompare(sum, []byte(p))
	}
	return same == 1
}

func hash(password []byte) string {
	sum := sha256.Sum256(password)
	return hex.EncodeToString(sum[:])
}

// isHash reports whether a text is what hash returns.
func isHash(text string) bool {
	return len(text) == 2*sha256.Size && !slices.ContainsFunc([]byte(text), func(b byte) bool {
		return (b < '0' || b > '9') && (b < 'a' || b > 'f')
	})
}
