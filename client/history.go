package client

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// historyLines is how many lines of history are kept.
const historyLines = 1000

// History is the file of lines typed before. The empty path keeps nothing.
type History struct{ path string }

// NewHistory returns the history in the file path.
func NewHistory(path string) History { return History{path: path} }

// Load returns the newest lines, the oldest of them first, none if there is no file yet. A file that has grown to twice
// what is kept is cut down.
func (h History) Load() ([]string, error) {
	if h.path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(h.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the history: %w", err)
	}
	lines := strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
	if len(lines) <= 2*historyLines {
		return lines[max(0, len(lines)-historyLines):], nil
	}
	lines = lines[len(lines)-historyLines:]
	shorter := h.path + ".new"
	if err := os.WriteFile(shorter, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return lines, fmt.Errorf("shortening the history: %w", err)
	}
	return lines, os.Rename(shorter, h.path)
}

// Add appends line to the file, which only its owner can read.
func (h History) Add(line string) error {
	if h.path == "" {
		return nil
	}
	file, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("adding to the history: %w", err)
	}
	_, err = file.WriteString(line + "\n")
	return errors.Join(err, file.Close())
}

// isSecret says whether a command carries a password, and so stays out of the history.
func isSecret(words []string) bool {
	upper := make([]string, len(words))
	for i, word := range words {
		upper[i] = strings.ToUpper(word)
	}
	upper = append(upper, "", "") // so that the first words may be looked at
	switch upper[0] {
	case "AUTH":
		return true
	case "HELLO", "MIGRATE":
		return slices.Contains(upper, "AUTH") || slices.Contains(upper, "AUTH2")
	case "ACL":
		return upper[1] == "SETUSER"
	case "CONFIG":
		return upper[1] == "SET" && slices.ContainsFunc(upper, func(word string) bool {
			return word == "REQUIREPASS" || word == "MASTERAUTH" || word == "MASTERUSER" || strings.HasSuffix(word, "-PASS")
		})
	case "SENTINEL":
		return slices.Contains(upper, "AUTH-PASS")
	}
	return false
}
