package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/config"
	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// A disk error while the base is looked for is not a base that is not there.
func TestABaseThatCannotBeReadIsNotMissing(t *testing.T) {
	for _, appendonly := range []string{"no", "yes"} {
		t.Run("appendonly "+appendonly, func(t *testing.T) {
			fsys, dir := disk(t)
			s := begin(t, setup{fs: fsys, dir: dir, settings: []string{"appendonly", appendonly}})
			s.say("SET a 1")
			s.save()
			s.mustClose(false)
			for k := 1; ; k++ {
				again, dir := leftBy(t, fsys, vfs.Everything, 1)
				again.FailAt(k, errors.New("bad sector"), vfs.Read)
				as := s.setup
				as.fs, as.dir = again, dir
				r, err := tryOpen(t, as)
				if err != nil {
					continue
				}
				injected := again.Injected()
				if got := r.do("GET a"); got != "$1 1" {
					t.Errorf("%v: served with a missing: %q", injected, got)
				}
				r.close(true)
				if len(injected) == 0 {
					break
				}
			}
		})
	}
}

// A base with a flipped byte is refused at the start or found out when the byte is read, which ends the process: no wrong
// value is ever acknowledged, and no key is missing as if it had never been.
func TestADamagedBaseIsNotServed(t *testing.T) {
	rng := chance(t)
	s := begin(t, setup{})
	for i := range 50 {
		s.pipeline(fmt.Sprintf("SET key%d %s", i, strings.Repeat(fmt.Sprint(i), 100)), fmt.Sprintf("RPUSH list%d a b %d", i, i))
	}
	s.mustClose(true)
	path := filepath.Join(s.setup.dir, engine.BaseName)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused, fatal := 0, 0
	for range 100 {
		at := rng.IntN(len(sound))
		spoilt := bytes.Clone(sound)
		spoilt[at] ^= 1 << rng.IntN(8)
		put(t, path, spoilt)
		r, err := tryOpen(t, s.setup)
		if err != nil {
			refused++
			continue
		}
		for where, want := range s.last() {
			line := "GET " + where.key
			reply := bulk(want.text)
			if want.isList {
				line, reply = "LINDEX "+where.key+" 2", bulk(strings.TrimPrefix(where.key, "list"))
			}
			if got, left := r.send(r.user, words(line)); got != reply && left {
				t.Errorf("byte %d flipped: %s is %q, not %q", at, line, got, reply)
			}
		}
		r.expect("DBSIZE", ":100")
		if r.dead() != nil {
			fatal++
			if r.engine.Passed() != 0 {
				t.Errorf("byte %d flipped: fatal, and LSN %d is passed", at, r.engine.Passed())
			}
		}
		r.close(false)
	}
	t.Logf("of 100 flips %d refused the start, and %d ended the process", refused, fatal)
	put(t, path, sound)
	s.recovered(s.again(), "the sound base")
}

// Once the base has been found to be damaged no reply leaves, not even one that rests on no record, until the process has
// ended: what was to be fetched is missing from it. Here the end takes its time.
func TestNothingLeavesOnceTheBaseIsFoundDamaged(t *testing.T) {
	r := open(t, setup{})
	r.expect("SET a value", "+OK")
	r.expect("SET b value", "+OK")
	r.mustClose(true)
	edit(t, filepath.Join(r.setup.dir, engine.BaseName), func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte("value"), []byte("valve"))
	})
	found, end := make(chan struct{}), make(chan struct{})
	as := r.setup
	as.ending = func() { close(found); <-end }
	r, err := tryOpen(t, as)
	if err != nil {
		return // found out in time
	}
	select {
	case <-found: // by hydration
	case <-time.After(patience):
		t.Fatal("nobody finds the damage")
	}
	for _, line := range []string{"GET a", "GET b", "EXISTS a b", "DBSIZE"} {
		if reply, gate := r.run(r.connect(), words(line)); gate <= r.engine.Passed() {
			t.Errorf("%s: %q may leave: gate %d, passed %d", line, plain(reply), gate, r.engine.Passed())
		}
	}
	close(end)
	r.close(false)
	if err := r.dead(); err == nil || !sayAll(err.Error(), "the base, as of LSN 2, cannot be read", filepath.Join(r.setup.dir, engine.BaseName)+": offset ",
		": the checksum does not match", "bring the file back from a copy", "holdfast check --dir "+r.setup.dir) {
		t.Errorf("the process ended with: %v", err)
	}
}

func sayAll(text string, words ...string) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}

// A reload that ends half way, as the log cannot be read, leaves a part of the data, which is not served.
func TestAReloadThatFailsServesNothing(t *testing.T) {
	refused := 0
	for k := 1; ; k++ {
		r := open(t, setup{})
		for i := range 10 {
			r.expect(fmt.Sprintf("SET key%d v", i), "+OK")
		}
		fsys := r.setup.fs.(*vfs.Faulty)
		fsys.FailAt(fsys.Ops(vfs.Read)+k, errors.New("bad sector"), vfs.Read)
		reply, gate := r.run(r.user, words("DEBUG LOADAOF"))
		injected := fsys.Injected() // it may have been a segment's maker that read
		switch {
		case !bytes.HasPrefix(reply, []byte("-")):
			r.expect("DBSIZE", ":10")
		case r.dead() == nil || gate <= r.engine.Passed():
			t.Errorf("%v: the reply may leave, and the process goes on; %s of 10 keys are there", injected, r.do("DBSIZE"))
		default:
			refused++
		}
		if len(injected) == 0 {
			break
		}
	}
	if refused == 0 {
		t.Error("no reload has failed")
	}
}

// While the log is turned on or off neither base nor log has everything.
func TestAReloadWhileTheLogIsTurnedOnOrOff(t *testing.T) {
	t.Parallel()
	for from, to := range map[string]string{"yes": "no", "no": "yes"} {
		r := open(t, setup{settings: []string{"appendonly", from}})
		r.expect("SET key value", "+OK")
		var err error
		r.engine.Do(func() {
			if err := r.engine.World().Config.SetMany(config.RunTime, [][2]string{{"appendonly", to}}); err != nil {
				t.Error(err)
			}
			err = r.engine.Reload(true)
		})
		if err == nil || r.dead() != nil {
			t.Errorf("from %s to %s: the data is read anew: %v, the process ends with %v", from, to, err, r.dead())
		}
		r.until("the end of the switch", func() bool { return r.info("aof_rewrite_in_progress") == "0" })
		r.expect("GET key", "$5 value")
	}
}

// How many keys are cold is known by the base's count of them, and where none is none is looked for: a wrong count ends the process
// as soon as all keys have been met, like other damage.
func TestABaseThatCountsWrongIsNotServed(t *testing.T) {
	t.Parallel()
	// In the state of one store and one database, behind its key: a checksum, LSN, time, id and flags, the number of stores, and of
	// the first its number, keys and deadlines (docs/format-base.md).
	const key, bytesAll, keysAt, deadlinesAt = "state", 77, 45, 53
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	for _, c := range []struct{ keys, deadlines uint64 }{{3, 1}, {4, 1}, {2, 1}, {0, 1}, {3, 2}, {3, 0}, {0, 0}} {
		s := begin(t, setup{})
		s.pipeline("SET a 1", "SET b 2", "SET c 3 PX 1000000")
		s.mustClose(true)
		edit(t, filepath.Join(s.setup.dir, engine.BaseName), func(b []byte) []byte {
			for at := 0; ; at += len(key) {
				next := bytes.Index(b[at:], []byte(key))
				if next < 0 || at+next+len(key)+bytesAll > len(b) {
					return b
				}
				at += next
				value := b[at+len(key):][:bytesAll]
				if binary.LittleEndian.Uint64(value[keysAt:]) == 3 {
					binary.LittleEndian.PutUint64(value[keysAt:], c.keys)
					binary.LittleEndian.PutUint64(value[deadlinesAt:], c.deadlines)
					sum := crc32.Update(crc32.Checksum([]byte(key), castagnoli), castagnoli, value[4:])
					binary.LittleEndian.PutUint32(value, sum)
				}
			}
		})
		r, err := tryOpen(t, s.setup)
		if err != nil {
			t.Fatal(err)
		}
		r.until("everything to be hot", func() bool { return r.dead() != nil || r.info("hydrating") == "0" })
		if dead := r.dead(); (dead == nil) != (c.keys == 3 && c.deadlines == 1) || dead != nil && !errors.Is(dead, snapshot.ErrCorrupt) {
			t.Errorf("%d keys of 3 and %d deadlines of 1: %v", c.keys, c.deadlines, dead)
		}
		r.close(false)
	}
}
