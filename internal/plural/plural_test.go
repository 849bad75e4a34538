package plural

import "testing"

func TestCount(t *testing.T) {
	for n, want := range []string{"0 keys", "1 key", "2 keys"} {
		if got := Count(n, "key"); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
