package client

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"github.com/ergochat/readline"
)

// ErrCleared is returned by an Editor when ^C threw the line away.
var ErrCleared = errors.New("line cleared")

// Editor is all that a prompt needs of a line-editing library.
type Editor interface {
	// ReadLine shows prompt and returns the line typed, without its end. It returns io.EOF when the user wants to leave
	// (^D, or ^C on an empty line), and ErrCleared after ^C on a line with something in it.
	ReadLine(prompt string) (string, error)
	// Remember makes line the newest one of the history that the user can go back to.
	Remember(line string) error
	// Close gives the terminal back.
	Close() error
}

// Helper is what an Editor asks while the user types.
type Helper interface {
	// Complete returns what could follow line, the text before the cursor, and how many bytes at the end of line are
	// the part of a word that each of them completes.
	Complete(line string) (endings []string, part int)
	// Hint returns what is still to be typed after line, "" if that is unknown.
	Hint(line string) string
}

// Plain reads lines from in, without prompts, history or editing: for input that no person types.
func Plain(in io.Reader) Editor { return &plain{in: bufio.NewReader(in)} }

type plain struct{ in *bufio.Reader }

func (p *plain) ReadLine(string) (string, error) {
	line, err := p.in.ReadString('\n')
	if err == io.EOF && line != "" {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}

func (p *plain) Remember(string) error { return nil }
func (p *plain) Close() error          { return nil }

// Terminal edits lines on the process's terminal, with helper's hints in grey behind the cursor.
// history is what can be gone back to from the start, the oldest line first.
func Terminal(helper Helper, history []string) (Editor, error) {
	t := &terminal{helper: helper}
	var err error
	t.lib, err = readline.NewFromConfig(&readline.Config{
		HistoryLimit:           historyLines,
		DisableAutoSaveHistory: true,
		HistorySearchFold:      true,
		AutoComplete:           t,
		Listener:               t.listen,
		Painter:                t.paint,
		InterruptPrompt:        "\n",
		EOFPrompt:              "\n",
		Undo:                   true,
	})
	if err != nil {
		return nil, err
	}
	for _, line := range history {
		if err := t.Remember(line); err != nil {
			return nil, errors.Join(err, t.Close())
		}
	}
	return t, nil
}

// terminal is the Editor on github.com/ergochat/readline.
type terminal struct {
	lib    *readline.Instance
	helper Helper
	prompt string
	line   []rune // what stands behind the prompt
}

func (t *terminal) ReadLine(prompt string) (string, error) {
	t.prompt, t.line = prompt, nil
	t.lib.SetPrompt(prompt)
	line, err := t.lib.ReadLine()
	switch {
	case errors.Is(err, readline.ErrInterrupt) && len(t.line) == 0:
		return "", io.EOF
	case errors.Is(err, readline.ErrInterrupt):
		return "", ErrCleared
	}
	return line, err
}

// Remember also takes the library's place in the history back to its end, where the next line begins.
func (t *terminal) Remember(line string) error { return t.lib.SaveToHistory(line) }

func (t *terminal) Close() error { return t.lib.Close() }

// Do implements the library's completer: endings, and how many runes before the cursor they share.
func (t *terminal) Do(line []rune, pos int) (endings [][]rune, shared int) {
	before := string(line[:pos])
	found, part := t.helper.Complete(before)
	for _, ending := range found {
		endings = append(endings, []rune(ending))
	}
	return endings, len([]rune(before[len(before)-part:]))
}

// listen hears of each key. Returning true makes the library draw the whole line, and so the hint, again.
func (t *terminal) listen(line []rune, pos int, key rune) ([]rune, int, bool) {
	t.line = append(t.line[:0], line...)
	atEnd := key >= ' ' && pos == len(line) && pos > 0
	return line, pos, atEnd
}

// paint returns what to draw for a line: the line, and behind it the hint if it fits, after which the cursor is put back.
// The library draws a newline by itself when the line is done; the hint is wiped away then.
func (t *terminal) paint(line []rune, pos int) []rune {
	const save, grey, plain, restore, wipe = "\x1b7", "\x1b[90m", "\x1b[0m", "\x1b8", "\x1b[K"
	if len(line) > 0 && line[len(line)-1] == '\n' {
		return append([]rune(wipe), line...)
	}
	if pos != len(line) || pos == 0 {
		return line
	}
	hint := []rune(t.helper.Hint(string(line)))
	width, _ := t.lib.GetConfig().FuncGetSize()
	if room := width - len([]rune(t.prompt)) - len(line) - 1; len(hint) > room {
		hint = hint[:max(0, room)]
	}
	if len(hint) == 0 {
		return line
	}
	return []rune(string(line) + save + grey + string(hint) + plain + restore)
}
