package commands

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"holdfast/config"
	"holdfast/hll"
)

func TestHyperLogLogsSayWhatTheyChange(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"PFADD k a b", ":1"},
		{"PFADD k a b", ":0"},
		{"PFADD k", ":0"},
		{"PFADD empty", ":1"},
		{"PFCOUNT k", ":2"},
		{"PFCOUNT k", ":2"},
		{"PFCOUNT k empty missing", ":2"},
		{"PFMERGE d k", "+OK"},
		{"PFMERGE d", "+OK"},
	})
	s.expectLog("PFADD k a b", "PFADD empty", "SETRANGE k 8 \x02\x00\x00\x00\x00\x00\x00\x00", "PFMERGE d k", "PFMERGE d")
	s.expectEvents("$ pfadd 0 k", "$ pfadd 0 empty", "$ pfadd 0 d", "$ pfadd 0 d")
}

// Whether a sketch is sparse or dense depends on a directive, which may be another one when the log is replayed: the
// log says where one became dense, and where it does not, a sketch stays sparse.
func TestHyperLogLogsReplayAlikeWhateverTheDirective(t *testing.T) {
	s := newStage(t)
	limit := func(bytes string) {
		t.Helper()
		if err := s.world.Config.Set(config.RunTime, "hll-sparse-max-bytes", bytes); err != nil {
			t.Fatal(err)
		}
	}
	limit("21")
	s.expectAll([]step{
		{"PFADD k a", ":1"},
		{"PFADD k b", ":1"},
		{"PFADD k c", ":1"},
		{"PFDEBUG ENCODING k", "+dense"},
		{"PFADD two a b", ":1"},
		{"PFMERGE three a b", "+OK"},
		{"PFDEBUG ENCODING two", "+dense"},
	})
	s.expectLog("PFADD k a", "PFADD k b ; PFDEBUG TODENSE k", "PFADD k c", "PFADD two a b ; PFDEBUG TODENSE two", "PFMERGE three a b")
	limit("5000")
	var elements strings.Builder
	for i := range 900 {
		fmt.Fprintf(&elements, " e%d", i)
	}
	s.do("PFADD long" + elements.String())
	s.expect("PFDEBUG ENCODING long", "+sparse")
	limit("21")
	s.expectAll([]step{
		{"PFMERGE four long", "+OK"},
		{"PFDEBUG ENCODING four", "+dense"},
		{"PFDEBUG TODENSE long", ":1"},
		{"PFDEBUG TODENSE long", ":0"},
	})
	log := s.takeLog()
	if got := log[1:]; len(got) != 2 || got[0] != "PFMERGE four long ; PFDEBUG TODENSE four" || got[1] != "PFDEBUG TODENSE long" {
		t.Errorf("logged %q", got)
	}
}

func TestHyperLogLogsKeepTheDeadline(t *testing.T) {
	s := newStage(t)
	s.do("PFADD k a")
	s.do("PEXPIRE k 1000")
	for _, line := range []string{"PFADD k b", "PFCOUNT k", "PFMERGE k other", "PFDEBUG TODENSE k", "PFADD k c"} {
		s.do(line)
		s.expect("PTTL k", ":1000")
	}
}

// Whatever string a client sets in place of a sketch: it is refused, and stays as it is.
func TestHyperLogLogsThatAreNone(t *testing.T) {
	s := newStage(t)
	whole := hll.New()
	whole[15] = 0x80
	const corrupt, none = "-INVALIDOBJ Corrupted HLL object detected", "-WRONGTYPE Key is not a valid HyperLogLog string value."
	for _, x := range []struct{ value, reply string }{
		{"", none},
		{"a string", none},
		{strings.Repeat("HYLL", 3076), none},
		{string(whole[:15]), none},
		{string(whole[:16]), corrupt},
		{string(whole[:17]), corrupt},
		{string(whole) + "\x80", corrupt},
		{string(whole[:16]) + strings.Repeat("\xff", 10_000), corrupt},
	} {
		s.run("SET", "k", x.value)
		for _, line := range [][]string{{"PFCOUNT", "k"}, {"PFMERGE", "d", "k"}, {"PFMERGE", "k", "other"}, {"PFCOUNT", "k", "other"}, {"PFDEBUG", "TODENSE", "k"}} {
			if got := s.run(line...); got != x.reply {
				t.Errorf("%q: %v replied %s", x.value[:min(len(x.value), 20)], line, got)
			}
		}
		s.run("PFADD", "k", "a", "b", "c") // may find its registers before the end of what there is
		if e, _ := s.world.Keys.DB(0).Peek([]byte("k")); x.reply == none && !bytes.Equal(e.Text(), []byte(x.value)) {
			t.Errorf("%q was changed", x.value[:min(len(x.value), 20)])
		}
	}
	s.expectAll([]step{
		{"RPUSH l a", ":1"},
		{"PFADD l a", wrongType},
		{"PFCOUNT l", wrongType},
		{"PFMERGE new l", wrongType},
		{"PFMERGE l new", wrongType},
		{"PFDEBUG ENCODING l", wrongType},
		{"EXISTS new d", ":0"},
		{"PFSELFTEST", "+OK"},
	})
}
