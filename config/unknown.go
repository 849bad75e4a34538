package config

import "strings"

// unknown makes the error for a name that is not in the table, with the best advice there is.
func (c *Config) unknown(name string) *Error {
	e := &Error{Name: name, Reason: "unknown setting", Err: ErrUnknown}
	if why := foreign(name); why != "" {
		e.Reason, e.Advice = "not a setting of holdfast", why
	} else if near := c.nearest(name); near != "" {
		e.Advice = "did you mean " + near + "?"
	} else {
		e.Advice = "remove it, or see holdfast serve --help for the names"
	}
	return e
}

// foreign explains what files made for Redis may contain and a table of settings cannot hold. To skip any of these
// in silence would leave a server less protected than its file says.
func foreign(name string) string {
	switch strings.ToLower(name) {
	case "rename-command":
		return "commands cannot be renamed; remove the line"
	case "loadmodule":
		return "modules cannot be loaded; remove the line"
	case "sentinel":
		return "this is the file of a sentinel; give that of a server"
	}
	return ""
}

// nearest returns the name that takes the fewest edits to reach, if they are few enough for a slip of the hand.
func (c *Config) nearest(name string) string {
	name = strings.ToLower(name)
	best, edits := "", min((len(name)+2)/3, 3)+1
	for _, s := range c.settings {
		for _, candidate := range s.Names() {
			if abs(len(candidate)-len(name)) >= edits {
				continue // cannot be nearer
			}
			if n := editDistance(name, candidate); n < edits {
				best, edits = candidate, n
			}
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

// editDistance counts the bytes to insert, delete or replace to make b of a (Levenshtein, row by row).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
