package config

import "testing"

// Each value of loglevel lets through more than the one before it.
func TestLevels(t *testing.T) {
	names := []string{"debug", "verbose", "notice", "warning"}
	for i := 1; i < len(names); i++ {
		if Level(names[i-1]) >= Level(names[i]) {
			t.Errorf("%s is no more than %s", names[i-1], names[i])
		}
	}
}
