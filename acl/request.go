package acl

// Request is a command and its arguments, as a check looks at them.
type Request struct {
	Command  int  // its ID
	Always   bool // everybody may run it, as AUTH
	Args     [][]byte
	Keys     []Key
	Channels Channels
}

// Key is the place of a key among the arguments, and what is done with it.
type Key struct {
	At     int
	Access Access
}

// Channels are the arguments From up to, but not including, To.
type Channels struct {
	From, To int
	Patterns bool
}

// Denial says what was not permitted. Of several selectors' denials the highest is told.
type Denial uint8

// The denials.
const (
	Allowed Denial = iota
	DeniedCommand
	DeniedKey
	DeniedAuth
	DeniedChannel
)

// String is the word in ACL LOG.
func (d Denial) String() string {
	return [...]string{"", "command", "key", "auth", "channel"}[d]
}

// Check looks whether a user may do what is requested. If not, at is the argument that is to blame, 0 for the command.
func (u *User) Check(r *Request) (d Denial, at int) {
	if u.Mighty {
		return Allowed, 0
	}
	d = DeniedCommand
	for _, s := range u.selectors {
		denial, where := s.permits(r)
		if denial == Allowed {
			return Allowed, 0
		}
		if denial > d || denial == d && where > at {
			d, at = denial, where
		}
	}
	return d, at
}

// PermitsChannel reports whether a user may hear a channel, or a pattern's.
func (u *User) PermitsChannel(name string, isPattern bool) bool {
	for _, s := range u.selectors {
		if s.allChannels || s.permitsChannel([]byte(name), isPattern) {
			return true
		}
	}
	return false
}

// CheckEachKey looks whether a user may do what is requested, and the same with every other key.
func (u *User) CheckEachKey(r *Request, access Access) bool {
	for _, s := range u.selectors {
		if d, _ := s.permits(r); d == Allowed && s.permitsEachKey(access) {
			return true
		}
	}
	return false
}
