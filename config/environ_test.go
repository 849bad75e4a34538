package config

import (
	"errors"
	"strings"
	"testing"
)

func TestEnviron(t *testing.T) {
	c := New()
	err := c.Environ([]string{
		"PATH=/bin", "HOLDFAST_FSYNC=no", "HOLDFAST_MAXMEMORY=1gb", "HOLDFAST_SAVE=", "HOLDFAST_MAXMEMORY_POLICY=spill",
		"HOLDFAST_ADDR=0.0.0.0:7000", "HOLDFAST_REQUIREPASS=a=b", "HOLDFAST_LUA_TIME_LIMIT=7", "HOLDFASTER=1",
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"appendfsync": "no", "maxmemory": "1073741824", "save": "", "maxmemory-policy": "spill", "bind": "0.0.0.0", "port": "7000",
		"requirepass": "a=b", "busy-reply-threshold": "7",
	} {
		wantValue(t, c, name, want)
	}
	if origin, _ := c.Origin("save"); origin != Environment {
		t.Errorf("origin %v", origin)
	}
}

func TestEnvironErrors(t *testing.T) {
	for _, test := range []struct {
		environ string
		want    string
		is      error
	}{
		{"HOLDFAST_FSYNK=no", "environment: HOLDFAST_FSYNK: unknown setting: did you mean HOLDFAST_FSYNC?", ErrUnknown},
		{"HOLDFAST_XYZZY=no", "environment: HOLDFAST_XYZZY: unknown setting: remove it", ErrUnknown},
		{"HOLDFAST_HZ=fast", "environment: HOLDFAST_HZ \"fast\": give a whole number from 0 to 2147483647", ErrInvalid},
		{"HOLDFAST_APPENDFSYNC=no HOLDFAST_FSYNC=always", "environment: HOLDFAST_FSYNC: sets the same as HOLDFAST_APPENDFSYNC: remove one of them", ErrDuplicate},
	} {
		err := New().Environ(strings.Fields(test.environ))
		if err == nil || err.Error() != test.want || !errors.Is(err, test.is) {
			t.Errorf("%s:\n got %v\nwant %s", test.environ, err, test.want)
		}
	}
}

func TestEnvironReportsEveryErrorInOneOrder(t *testing.T) {
	environ := []string{"HOLDFAST_ZZZZZZ=1", "HOLDFAST_TIMEOUT=x", "HOLDFAST_QQQQQQ=1", "HOLDFAST_PORT=x"}
	for range 10 { // a map lies beneath
		err := New().Environ(environ)
		if err == nil {
			t.Fatal("no error")
		}
		var names []string
		for line := range strings.SplitSeq(err.Error(), "\n") {
			names = append(names, strings.Fields(strings.Split(line, ": ")[1])[0])
		}
		if got := strings.Join(names, " "); got != "HOLDFAST_PORT HOLDFAST_TIMEOUT HOLDFAST_QQQQQQ HOLDFAST_ZZZZZZ" {
			t.Errorf("order %s", got)
		}
	}
}

func TestPortOverrulesAddrInTheEnvironment(t *testing.T) {
	for _, environ := range [][]string{
		{"HOLDFAST_PORT=7001", "HOLDFAST_ADDR=10.0.0.1:7000"}, {"HOLDFAST_ADDR=10.0.0.1:7000", "HOLDFAST_PORT=7001"},
	} {
		c := New()
		if err := c.Environ(environ); err != nil {
			t.Fatal(err)
		}
		wantValue(t, c, "addr", "10.0.0.1:7001")
	}
}

func TestEnvironLeavesWhatIsNotItsOwn(t *testing.T) {
	c := New()
	err := c.Environ([]string{
		"HOLDFAST_CONFIG=/etc/holdfast.conf",
		"HOLDFAST_SERVICE_HOST=10.0.0.1", "HOLDFAST_SERVICE_PORT=6379", "HOLDFAST_PORT=tcp://10.0.0.1:6379",
		"HOLDFAST_PORT_6379_TCP=tcp://10.0.0.1:6379", "HOLDFAST_PORT_6379_TCP_ADDR=10.0.0.1",
	}, "HOLDFAST_CONFIG")
	if err != nil {
		t.Error(err)
	}
	wantValue(t, c, "port", "6379")
}
