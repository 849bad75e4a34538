package rig

import (
	"slices"
	"strings"
)

// SplitList splits at commas and drops spaces and what is empty.
func SplitList(s string) []string {
	return slices.DeleteFunc(strings.Split(strings.ReplaceAll(s, " ", ""), ","), func(word string) bool { return word == "" })
}
