package acl

import (
	"errors"
	"fmt"
	"strings"

	"holdfast/resp"
)

// Line is one user of a file: the words behind "user".
type Line struct {
	File  string
	Line  int // from 1
	Words []string
}

// ErrFile says that a file of users was refused. Nothing of it is in force.
var ErrFile = errors.New("users refused")

// FileError is one thing wrong in a file.
type FileError struct {
	File   string
	Line   int
	Reason string
}

func (e *FileError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason) }

// Unwrap returns ErrFile.
func (e *FileError) Unwrap() error { return ErrFile }

// FileBytesMax is the longest file of users that is read.
const FileBytesMax = 64 << 20

// ParseFile reads the text of a file of users: a line "user NAME RULE …" each. There are no comments, as in Redis, which
// would lose them when it writes the file.
func ParseFile(name, text string) (lines []Line, err error) {
	var errs []error
	for i, line := range strings.Split(text, "\n") {
		line = strings.Trim(line, " \t\r\n")
		if line == "" {
			continue
		}
		words := strings.Split(line, " ")
		if words[0] != "user" || len(words) < 2 {
			errs = append(errs, &FileError{name, i + 1, resp.ACLLineStart})
			continue
		}
		lines = append(lines, Line{name, i + 1, words[1:]})
	}
	return lines, errors.Join(errs...)
}

// Load makes the users those of the lines, and the default user, where no line names it, what the configuration says. On
// error all stays as it was; the error joins a *FileError for everything that is wrong.
func (u *Users) Load(lines []Line, password string) error {
	byName := map[string]*User{}
	var errs []error
	for _, line := range lines {
		user, err := u.read(line, byName)
		if err != nil {
			errs = append(errs, err...)
			continue
		}
		byName[user.Name] = user
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if loaded := byName[DefaultName]; loaded != nil {
		u.Default.become(loaded)
	} else {
		u.Default.become(newDefault(u.catalogue, password))
	}
	byName[DefaultName] = u.Default
	u.byName = byName
	u.settle()
	return nil
}

// read makes the user of a line. Redis tells every unknown command, but nothing else of what stands behind an error.
func (u *Users) read(line Line, others map[string]*User) (user *User, errs []error) {
	fail := func(reason string) { errs = append(errs, &FileError{line.File, line.Line, reason}) }
	name := line.Words[0]
	switch {
	case !ValidName(name):
		fail(resp.ACLLineName(name))
		return nil, errs
	case others[name] != nil:
		fail(resp.ACLDuplicateUser)
		return nil, errs
	}
	rules, open := Merge(line.Words[1:])
	if open >= 0 {
		fail(resp.ACLLineParenthesis)
		return nil, errs
	}
	b, told := u.rulebook(), false
	staged := newUser(name, u.catalogue, b.allChannels)
	for _, rule := range rules {
		rule = strings.Trim(rule, "\t\r\n")
		err := b.applyOne(staged, rule)
		switch {
		case err == nil:
		case errors.Is(err, errUnknown):
			fail(resp.ACLLineRule(rule, err.Error()))
		case !told:
			told = true
			fail(err.Error())
		}
	}
	user = newUser(name, u.catalogue, false)
	user.become(staged)
	return user, errs
}

// File is the text of a file with all users.
func (u *Users) File() string {
	var b strings.Builder
	for _, user := range u.All() {
		b.WriteString(Describe(user) + "\n")
	}
	return b.String()
}

// Describe is the line of a user in a file, and in ACL LIST.
func Describe(u *User) string { return "user " + u.Name + " " + u.String() }

// IsPlainDefault reports whether the default user is what the configuration makes it without a line.
func (u *Users) IsPlainDefault(password string) bool {
	return u.Default.String() == newDefault(u.catalogue, password).String()
}
