package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A SaveRule asks for a checkpoint when this many changes are this old.
type SaveRule struct {
	Seconds int64 // at least 1
	Changes int64 // at least 0
}

// parseSave reads "3600 1 300 100": pairs between single blanks; nothing means no rules.
func parseSave(text string) (value, string) {
	var rules []SaveRule
	if text == "" {
		return value{"", rules}, ""
	}
	words := strings.Split(text, " ")
	if len(words)%2 != 0 {
		return value{}, "Invalid save parameters"
	}
	var printed []string
	for i := 0; i < len(words); i += 2 {
		seconds, errSeconds := strconv.ParseInt(words[i], 10, 64)
		changes, errChanges := strconv.ParseInt(words[i+1], 10, 64)
		if errSeconds != nil || errChanges != nil || seconds < 1 || changes < 0 || changes > math.MaxInt32 {
			return value{}, "Invalid save parameters"
		}
		rules = append(rules, SaveRule{seconds, changes})
		printed = append(printed, fmt.Sprintf("%d %d", seconds, changes))
	}
	return value{strings.Join(printed, " "), rules}, ""
}
