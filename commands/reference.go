package commands

import (
	"fmt"
	"slices"
	"strings"
)

// Reference returns the table of commands in Markdown, for docs/compatibility.md. differences are the lines of that file's
// table of known differences, "| where | what |"; each appears with the commands that it names.
func Reference(differences []string) string {
	t := NewTable()
	notes := t.notes(differences)
	var b strings.Builder
	b.WriteString("| command | since | differences |\n| --- | --- | --- |\n")
	row := func(c *Command) {
		name := strings.ToUpper(strings.ReplaceAll(c.FullName(), "|", " "))
		since := c.Since
		if since == "" {
			since = "holdfast"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, since, strings.Join(notes[c], "; "))
	}
	for _, c := range t.All() {
		row(c)
		for _, sub := range c.Subs {
			row(sub)
		}
	}
	return b.String()
}

// notes finds the commands that the lines name between backticks, in their first cell.
func (t *Table) notes(lines []string) map[*Command][]string {
	notes := map[*Command][]string{}
	for _, line := range lines {
		where, what, ok := strings.Cut(strings.Trim(line, "| "), " | ")
		if !ok {
			continue
		}
		for i, span := range strings.Split(where, "`") {
			words := strings.Fields(span)
			if i%2 == 0 || len(words) == 0 || strings.ToUpper(words[0]) != words[0] {
				continue
			}
			c := t.Lookup([]byte(words[0]))
			if c != nil && len(words) > 1 {
				if sub := c.Sub([]byte(words[1])); sub != nil {
					c = sub
				}
			}
			note := what
			if c != nil && len(words) > len(strings.Split(c.FullName(), "|")) {
				note = "`" + span + "`: " + what // of one form of the command
			}
			if c != nil && !slices.Contains(notes[c], note) {
				notes[c] = append(notes[c], note)
			}
		}
	}
	return notes
}
