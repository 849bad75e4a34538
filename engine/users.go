package engine

import (
	"errors"
	"fmt"
	"slices"

	"holdfast/acl"
	"holdfast/config"
	"holdfast/internal/vfs"
)

// ErrUsersTwice says that users stand in two places, so that nobody could tell which count.
var ErrUsersTwice = errors.New("users are both in the configuration and in an aclfile; move the lines that begin with user into the aclfile")

// loadUsers makes the users those of the configuration, or of the file that it names.
func (e *Engine) loadUsers() error {
	path, lines := e.o.Config.String("aclfile").Load(), e.o.Config.Users()
	if path == "" {
		return e.setUsers(configured(lines))
	}
	if len(lines) > 0 {
		return fmt.Errorf("%w: %w: %s:%d and %s", acl.ErrFile, ErrUsersTwice, lines[0].File, lines[0].Line, path)
	}
	e.world.LoadUsers = func() error { return e.readUsers(path) }
	e.world.SaveUsers = func() error { return vfs.Rewrite(e.o.FS, path, []byte(e.world.Users.File())) }
	return e.readUsers(path)
}

// configured are the users of the configuration as the rules' reader wants them.
func configured(users []config.UserLine) (lines []acl.Line) {
	for _, u := range users {
		lines = append(lines, acl.Line{File: u.File, Line: u.Line, Words: u.Words})
	}
	return lines
}

func (e *Engine) setUsers(lines []acl.Line) error {
	return e.world.Users.Load(lines, e.o.Config.String("requirepass").Load())
}

// readUsers makes the users those of a file: all of it, or on error nothing.
func (e *Engine) readUsers(path string) error {
	text, err := vfs.ReadFile(e.o.FS, path, acl.FileBytesMax)
	if err != nil {
		return fmt.Errorf("%w: reading the aclfile %s: %w; an empty file will do", acl.ErrFile, path, err)
	}
	lines, err := acl.ParseFile(path, string(text))
	if err != nil {
		return err
	}
	return e.setUsers(lines)
}

// UserLines are the users as the configuration's file is to have them: none where another file has them, and not the
// default user as long as the other settings say all of it.
func (e *Engine) UserLines() (lines [][]string) {
	if e.world.LoadUsers != nil {
		return nil
	}
	users := e.world.Users
	for _, u := range users.All() {
		if u != users.Default || !users.IsPlainDefault(e.o.Config.String("requirepass").Load()) {
			lines = append(lines, slices.Concat([]string{u.Name}, u.Words()))
		}
	}
	return lines
}
