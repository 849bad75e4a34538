package integration

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Same says whether two replies are the same by the step's rule.
func (s Step) Same(ours, theirs Reply) bool {
	switch s.Rule {
	case RuleUnordered:
		return bytes.Equal(sortedRaw(ours), sortedRaw(theirs))
	case RulePairs:
		return bytes.Equal(sortedPairs(ours), sortedPairs(theirs))
	case RuleNear:
		return near(ours, theirs, s.Within)
	case RuleShape:
		return sameShape(ours, theirs)
	case RuleType:
		return ours.Kind == theirs.Kind && ours.Null == theirs.Null
	case RuleErrorCode:
		if ours.IsError() && theirs.IsError() {
			return strings.Fields(ours.Text)[0] == strings.Fields(theirs.Text)[0]
		}
	case RuleMask:
		return masked(ours, s.Words) == masked(theirs, s.Words)
	case RuleHas:
		return hasFields(ours, s.Words) && hasFields(theirs, s.Words)
	case RuleDiffers:
		return !bytes.Equal(sortedRaw(ours), sortedRaw(theirs))
	}
	return bytes.Equal(ours.Raw, theirs.Raw)
}

// sortedRaw is a form of the reply in which the outermost order does not show.
func sortedRaw(r Reply) []byte {
	if r.Kind == '%' {
		return sortedPairs(r)
	}
	return sortedGroups(r, 1)
}

func sortedPairs(r Reply) []byte { return sortedGroups(r, 2) }

func sortedGroups(r Reply, size int) []byte {
	if r.Elems == nil || len(r.Elems)%size != 0 {
		return r.Raw
	}
	var groups [][]byte
	for chunk := range slices.Chunk(r.Elems, size) {
		var group []byte
		for _, e := range chunk {
			group = append(group, e.Raw...)
		}
		groups = append(groups, group)
	}
	slices.SortFunc(groups, bytes.Compare)
	return append([]byte{r.Kind}, bytes.Join(groups, nil)...)
}

func near(a, b Reply, within int64) bool {
	if a.Kind != b.Kind || a.Null != b.Null || len(a.Elems) != len(b.Elems) {
		return false
	}
	for i := range a.Elems {
		if !near(a.Elems[i], b.Elems[i], within) {
			return false
		}
	}
	x, errA := strconv.ParseInt(a.Text, 10, 64)
	y, errB := strconv.ParseInt(b.Text, 10, 64)
	if errA != nil || errB != nil {
		return a.Text == b.Text
	}
	// -1 and -2 are words, not numbers: no TTL, no key.
	if x < 0 || y < 0 {
		return x == y
	}
	return x-y <= within && y-x <= within
}

func sameShape(a, b Reply) bool {
	if a.Kind != b.Kind || a.Null != b.Null || len(a.Elems) != len(b.Elems) {
		return false
	}
	for i := range a.Elems {
		if !sameShape(a.Elems[i], b.Elems[i]) {
			return false
		}
	}
	return true
}

var (
	fieldName  = `([A-Za-z_][A-Za-z0-9_-]*)([=:])`
	field      = regexp.MustCompile(`( ?)` + fieldName + `[^\s,]*`)
	fieldStart = regexp.MustCompile(fieldName)
)

// masked is the reply's type and text with * in place of the values of the fields named, and without the fields
// named with a minus.
func masked(r Reply, fields string) string {
	hidden := strings.Fields(fields)
	return string(r.Kind) + field.ReplaceAllStringFunc(r.Text, func(f string) string {
		m := field.FindStringSubmatch(f)
		switch name := m[2]; {
		case slices.Contains(hidden, name):
			return m[1] + name + m[3] + "*"
		case slices.Contains(hidden, "-"+name):
			return ""
		}
		return f
	})
}

func hasFields(r Reply, fields string) bool {
	var present []string
	for _, m := range fieldStart.FindAllStringSubmatch(r.Text, -1) {
		present = append(present, m[1])
	}
	for _, want := range strings.Fields(fields) {
		if !slices.Contains(present, want) {
			return false
		}
	}
	return true
}
