package aof

import (
	"fmt"
	"strings"
)

// Policy says when a commit makes records durable. Names and meaning are those of Redis's appendfsync.
type Policy uint8

const (
	Always   Policy = iota // every commit syncs; replies wait for it
	Everysec               // commits write; the engine calls Sync once a second
	No                     // commits write; the kernel decides. Rotation and Close sync all the same
)

// ParsePolicy reads a policy's name, in either case.
func ParsePolicy(s string) (Policy, error) {
	for p := Always; p <= No; p++ {
		if strings.EqualFold(s, p.String()) {
			return p, nil
		}
	}
	return Always, fmt.Errorf("unknown fsync policy %q (always, everysec, no)", s)
}

func (p Policy) String() string {
	switch p {
	case Always:
		return "always"
	case Everysec:
		return "everysec"
	case No:
		return "no"
	}
	return fmt.Sprintf("Policy(%d)", uint8(p))
}
