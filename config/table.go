package config

import (
	"math"
	"slices"
	"strings"
)

// Directives returns the table, in the order in which CONFIG GET and the documentation print it. The rows are in the
// table_*.go files, by theme. The caller owns the slice.
func Directives() []Directive {
	return slices.Concat(
		networkTable(),
		tlsTable(),
		durabilityTable(),
		memoryTable(),
		encodingTable(),
		processTable(),
		observationTable(),
		elsewhereTable(),
	)
}

// The bounds that Redis has for most numbers.
const (
	maxInt32  = math.MaxInt32
	maxUint32 = math.MaxUint32
	maxInt64  = math.MaxInt64
)

// plainFile refuses what would let a file name lead out of the data directory.
func plainFile(name string) func(string) string {
	return func(value string) string {
		switch {
		case value == "":
			return name + " can't be empty"
		case strings.ContainsAny(value, `/\`):
			return name + " can't be a path, just a filename"
		}
		return ""
	}
}

// saveOrNot refuses a shutdown that is told to save and not to save.
func saveOrNot(value string) string {
	words := strings.Fields(value)
	if slices.Contains(words, "save") && slices.Contains(words, "nosave") {
		return "shutdown options SAVE and NOSAVE can't be used simultaneously"
	}
	return ""
}
