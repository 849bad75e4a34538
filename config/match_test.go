package config

import (
	"slices"
	"testing"
)

func namesOf(pairs [][2]string) []string {
	var names []string
	for _, pair := range pairs {
		names = append(names, pair[0])
	}
	return names
}

func TestStarFindsAllInTableOrder(t *testing.T) {
	var want []string
	for _, row := range Directives() {
		want = append(append(want, row.Name), row.Aliases...)
	}
	if got := namesOf(New().Match([]string{"*"})); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestShorthandIsFoundByNameOnly(t *testing.T) {
	c := New()
	if got := namesOf(c.Match([]string{"fsync*", "*dfsync"})); !slices.Equal(got, []string{"appendfsync"}) {
		t.Errorf("globs find %v", got)
	}
	if got := c.Match([]string{"fsync"}); len(got) != 1 || got[0] != [2]string{"fsync", "always"} {
		t.Errorf("the name finds %v", got)
	}
}

func TestMatchOrderIsThatOfTheTable(t *testing.T) {
	got := namesOf(New().Match([]string{"timeout", "por?", "zset-max-*-value"}))
	if want := []string{"port", "timeout", "zset-max-listpack-value", "zset-max-ziplist-value"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
