package config

import "testing"

func TestSeconds(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "90": "90", "90s": "90", "30m": "1800", "12h": "43200", "7d": "604800", "1D": "86400", "007": "7",
	} {
		c := New()
		if err := c.Set(Flag, "retain", text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got, _ := c.Get("retain"); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
		if got := c.Int("retain").Load(); want != "0" && got == 0 {
			t.Errorf("%q: the handle says %d", text, got)
		}
	}
}

func TestNoSeconds(t *testing.T) {
	const kind = "argument must be a number of seconds, or a time such as 30m, 12h or 7d"
	const bounds = "argument must be between 0 and 2147483647 inclusive"
	for text, want := range map[string]string{
		"": kind, "d": kind, "-1": kind, "1w": kind, "7 d": kind, "1d12h": kind, "1.5h": kind, "+1": kind,
		"2147483648": bounds, "24856d": bounds, "99999999999999999999": bounds, "99999999999999999999d": bounds,
	} {
		err := New().Set(RunTime, "retain", text)
		if bad, ok := err.(*Error); !ok || bad.Reason != want {
			t.Errorf("%q: %v, want the reason %q", text, err, want)
		}
	}
}
