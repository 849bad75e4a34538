package aof

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

type command struct {
	db   int
	args []string
}

func parse(body []byte) (got []command, err error) {
	err = Commands(body, func(db int, args [][]byte) error {
		c := command{db: db}
		for _, a := range args {
			c.args = append(c.args, string(a))
		}
		got = append(got, c)
		return nil
	})
	return got, err
}

// split is parse by Split, behind words that are there already, and looked at when all is done.
func split(t *testing.T, body []byte) (got []command, err error) {
	type kept struct {
		db   int
		args [][]byte
	}
	var all []kept
	words, err := Split(body, [][]byte{[]byte("before")}, func(db int, args [][]byte) error {
		all = append(all, kept{db, args})
		return nil
	})
	if string(words[0]) != "before" {
		t.Errorf("Split has overwritten a word with %q", words[0])
	}
	for _, k := range all {
		c := command{db: k.db}
		for _, a := range k.args {
			c.args = append(c.args, string(a))
		}
		got = append(got, c)
	}
	return got, err
}

func TestCommandsComeBack(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), 70_000))
	for _, want := range [][]command{
		nil,
		{{0, []string{"FLUSHALL"}}},
		{{15, []string{"SET", "k", ""}}},
		{{0, []string{"SET", "\x00\xff", long}}, {1 << 20, []string{""}}, {3, []string{"DEL", "a", "b"}}},
	} {
		var body []byte
		for _, c := range want {
			var args [][]byte
			for _, a := range c.args {
				args = append(args, []byte(a))
			}
			body = AppendCommand(body, c.db, args...)
		}
		got, err := parse(body)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v came back as %v, error %v", want, got, err)
		}
		if got, err := split(t, body); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v is split into %v, error %v", want, got, err)
		}
	}
}

func TestAppendCommandAllocatesNothing(t *testing.T) {
	args := [][]byte{[]byte("SET"), []byte("key"), []byte("value")}
	dst := make([]byte, 0, 100)
	if n := testing.AllocsPerRun(100, func() { dst = AppendCommand(dst[:0], 3, args...) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMalformedCommands(t *testing.T) {
	for name, body := range map[string][]byte{
		"db alone":                {0},
		"db unfinished":           {0x80},
		"db too large":            {0xff, 0xff, 0xff, 0xff, 0x7f, 1, 0},
		"db wider than 64 bits":   {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1, 0},
		"no arguments":            {0, 0},
		"more arguments than fit": {0, 3, 0, 0},
		"huge argument count":     {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"argument too long":       {0, 1, 2, 'a'},
		"huge argument":           {0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"second command bad":      {0, 1, 1, 'a', 0},
	} {
		if _, err := parse(body); !errors.Is(err, ErrBadCommand) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCommandsStopsAtTheCallersError(t *testing.T) {
	stop := errors.New("stop")
	body := AppendCommand(AppendCommand(nil, 0, []byte("A")), 0, []byte("B"))
	calls := 0
	err := Commands(body, func(int, [][]byte) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

func FuzzCommands(f *testing.F) {
	f.Add(AppendCommand(AppendCommand(nil, 0, []byte("SET"), []byte("k"), []byte("v")), 9, []byte("DEL")))
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, body []byte) {
		var again []byte
		err := Commands(body, func(db int, args [][]byte) error {
			again = AppendCommand(again, db, args...)
			return nil
		})
		halves, splitErr := split(t, body)
		if whole, _ := parse(body); !reflect.DeepEqual(halves, whole) || errors.Is(splitErr, ErrBadCommand) != errors.Is(err, ErrBadCommand) {
			t.Fatalf("split into %v, %v; parsed as %v, %v", halves, splitErr, whole, err)
		}
		if err != nil {
			if !errors.Is(err, ErrBadCommand) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		first, _ := parse(body)
		second, err := parse(again)
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("%v became %v, error %v", first, second, err)
		}
	})
}
