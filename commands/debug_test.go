package commands

import (
	"errors"
	"iter"
	"strings"
	"testing"

	"holdfast/config"
)

// The digests are those that redis-server 7.0.15 gave for the same commands.
func TestDigestIsThatOfRedis(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"DEBUG DIGEST", "+0000000000000000000000000000000000000000"},
		{"SET a 1", "+OK"},
		{"DEBUG DIGEST", "+943d800368fb9c0e951138f1bc0e313ac769d91f"},
		{"RPUSH l a b 12", ":3"},
		{"SET t v EX 1000", "+OK"},
		{"DEBUG DIGEST", "+9802b869226944f19db12babc8cba1d0b3fb8ef3"},
		{"SELECT 3", "+OK"},
		{"SET a 1", "+OK"},
		{"RPUSH l x", ":1"},
		{"EXPIRE l 1000", ":1"},
		{"DEBUG DIGEST", "+8ed0f95ed382a72d26f0b933b602d9a2e87e6051"},
		{"DEBUG DIGEST-VALUE a l nosuch", "*3 +b4fc66738120fba0b5aa500ab5c2bf89cea1c5da " +
			"+513a82800d1204ddf6715dfcad32e7acbbbf92d4 +0000000000000000000000000000000000000000"},
		{"SELECT 0", "+OK"},
		{"DEBUG DIGEST-VALUE a l t", "*3 +b4fc66738120fba0b5aa500ab5c2bf89cea1c5da " +
			"+4fddf5ecfb89aa53ce571890ffcd91dc9c8824bf +311b17018163335616e089f6b951c82c477335ac"},
		{"DEBUG DIGEST-VALUE", "*0"},
	})
}

func TestDigestLeavesOutWhatIsDue(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{{"SET a 1", "+OK"}, {"SET gone 1 PX 10", "+OK"}})
	k.advance(10)
	k.expect("DEBUG DIGEST", "+943d800368fb9c0e951138f1bc0e313ac769d91f")
	k.expect("DEBUG DIGEST-VALUE gone", "*1 +0000000000000000000000000000000000000000")
}

// heap is a value whose elements have no order.
type heap [][][]byte

func (heap) Len() int                     { return 0 }
func (heap) Bytes() int64                 { return 0 }
func (heap) AppendBinary(b []byte) []byte { return b }
func (h heap) Pieces() (_ iter.Seq[[][]byte]) {
	return func(yield func([][]byte) bool) {
		for _, pieces := range h {
			if !yield(pieces) {
				return
			}
		}
	}
}

// SADD x y 3, HSET f v g w and ZADD 1.5 m 2 n, each as redis-server 7.0.15 digests it.
func TestDigestOfGatherings(t *testing.T) {
	for _, x := range []struct {
		kind  string
		lines []string
		want  string
	}{
		{"set", []string{"3", "y", "x"}, "415a07507e2348d139f9fd645a024f6be569dd65"},
		{"hash", []string{"g w", "f v"}, "d127864ed50239662bf61bafc9bda63c17da5b37"},
		{"zset", []string{"n 2", "m 1.5"}, "908aeffe4e922542b456cb5c8f5b1961a763d7dd"},
	} {
		var h heap
		for _, line := range x.lines {
			h = append(h, wordsOf(line))
		}
		var d digest
		d.mixNumber(digestTypes[x.kind])
		d.elements(h)
		if d.String() != x.want {
			t.Errorf("%s: %s, wanted %s", x.kind, d.String(), x.want)
		}
	}
}

// Every type that there are commands for can be digested.
func TestDigestKnowsEveryType(t *testing.T) {
	for _, typ := range Types() {
		if _, ok := digestTypes[typ.Name]; !ok && typ.Name != "" {
			t.Errorf("no number for the type %s", typ.Name)
		}
	}
}

func TestDebugIsForbiddenUnlessAllowed(t *testing.T) {
	const refusal = "-ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\""
	for _, x := range []struct {
		setting, addr string
		allowed       bool
	}{
		{"no", "127.0.0.1:5000", false},
		{"yes", "192.0.2.1:5000", true},
		{"local", "127.0.0.1:5000", true},
		{"local", "[::1]:5000", true},
		{"local", "[::ffff:127.0.0.1]:5000", true},
		{"local", "/run/holdfast.sock:0", true},
		{"local", "192.0.2.1:5000", false},
		{"local", "?", false},
	} {
		k := newServer(t)
		if err := k.world.Config.Set(config.Flag, "enable-debug-command", x.setting); err != nil {
			t.Fatal(err)
		}
		got := k.world.Forbidden(&Client{Addr: x.addr})
		if x.allowed != (got == "") || !x.allowed && !strings.HasPrefix("-"+got, refusal) {
			t.Errorf("%s, from %s: %q", x.setting, x.addr, got)
		}
	}
	debug := NewTable().Lookup([]byte("debug"))
	if debug.Flags&Protected == 0 {
		t.Error("DEBUG is not protected")
	}
}

func TestDebugReload(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"DEBUG RELOAD", "+OK"},
		{"DEBUG RELOAD NOSAVE merge", "+OK"},
		{"DEBUG LOADAOF", "+OK"},
		{"DEBUG RELOAD x", "-ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."},
	})
	k.expectAsked("reload from the log: false", "reload from the log: true", "reload from the log: true")
	k.refuse = errors.New("a checkpoint is running")
	k.expect("DEBUG RELOAD", "-ERR reloading failed: a checkpoint is running")
	k.asked = nil
	k.expectAll([]step{
		{"MULTI", "+OK"},
		{"DEBUG RELOAD", "+QUEUED"},
		{"EXEC", "*1 -ERR Command not allowed inside a transaction"},
	})
	k.expectAsked()
}

func TestDebugRest(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"DEBUG SLEEP 0.25", "+OK"},
		{"DEBUG SLEEP x", "+OK"},
		{"DEBUG SLEEP -1", "+OK"},
		{"DEBUG SET-ACTIVE-EXPIRE 0", "+OK"},
		{"DEBUG set-active-expire 1", "+OK"},
		{"DEBUG OBJECT nosuch", "-ERR no such key"},
		{"DEBUG SLEEP", "-ERR unknown subcommand or wrong number of arguments for 'SLEEP'. Try DEBUG HELP."},
		{"DEBUG JMAP", "-ERR unknown subcommand or wrong number of arguments for 'JMAP'. Try DEBUG HELP."},
	})
	k.expectAsked("sleep 250ms", "active expire: false", "active expire: true")
	k.expect("SET n 12345", "+OK")
	k.advance(7000)
	got := k.do("DEBUG OBJECT n")
	_, got, _ = strings.Cut(got, " refcount:")
	if want := "1 encoding:int serializedlength:5 lru:5501184 lru_seconds_idle:7"; got != want {
		t.Errorf("DEBUG OBJECT: %q, wanted %q", got, want)
	}
}
