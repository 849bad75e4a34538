package kv

import (
	"fmt"
	"strings"
	"testing"

	"holdfast/expiry"
)

// slabs is a database of strings beside a Go map, and a scan of it under way.
type slabs struct {
	*testing.T
	db   *DB
	want map[string]string

	cursor  uint64
	lasting map[string]bool // the keys that have been there since the scan began; nil: none is under way
	seen    map[string]bool
}

const (
	slabsActs = 60   // of a script at the most
	slabsRun  = 500  // keys that an act is about at the most
	slabsKeys = 4000 // among which it begins
	slabsSize = 6000 // of a value, in bytes: some are too long for a slab
)

func (s *slabs) act(d *byteDice) {
	what, first, n := d.of(4), d.of(slabsKeys), 1+d.of(slabsRun)
	size := 1 + d.of(slabsSize)
	switch what {
	case 0, 1:
		if what == 1 { // the shorter, the more of them: most values of a server are short
			size = 1 + size%100
		}
		for i := first; i < first+n; i++ {
			value := strings.Repeat(string(rune('a'+i%26)), i*31%size)
			s.db.SetString(slabKey(i), []byte(value), expiry.None)
			s.want[string(slabKey(i))] = value
		}
	case 2:
		for i := first; i < first+n; i++ {
			key := string(slabKey(i))
			if _, there := s.want[key]; s.db.Delete([]byte(key)) != there {
				s.Fatalf("deleting %s, which is there: %v, says otherwise", key, there)
			}
			delete(s.want, key)
			delete(s.lasting, key)
		}
	case 3:
		for range 1 + n%16 {
			s.step()
		}
	}
	s.db.ks.Repay(n)
	if s.db.Len() != len(s.want) {
		s.Fatalf("%d keys, and not %d", s.db.Len(), len(s.want))
	}
}

// slabKey is a name whose length varies.
func slabKey(i int) []byte { return fmt.Appendf(nil, "%0*d", 4+i%40, i) }

// step goes on with the scan, or begins one.
func (s *slabs) step() {
	if s.lasting == nil {
		s.lasting, s.seen = make(map[string]bool, len(s.want)), map[string]bool{}
		for key := range s.want {
			s.lasting[key] = true
		}
	}
	s.cursor = s.db.Scan(s.cursor, func(e Entry) {
		s.same(string(e.Key()), e)
		s.seen[string(e.Key())] = true
	})
	if s.cursor != 0 {
		return
	}
	for key := range s.lasting {
		if !s.seen[key] {
			s.Fatalf("%s was there throughout, and the scan did not come to it", key)
		}
	}
	s.lasting = nil
}

func (s *slabs) same(key string, e Entry) {
	if want, there := s.want[key]; !there || thingOf(e).text != want {
		s.Fatalf("%s is there: %v, and is %.40q, not %.40q", key, there, thingOf(e).text, want)
	}
}

// agree compares everything, and ends the scan.
func (s *slabs) agree() {
	for key := range s.want {
		e, ok := s.db.Get([]byte(key))
		if !ok {
			s.Fatalf("%s is lost", key)
		}
		s.same(key, e)
	}
	for s.lasting != nil {
		s.step()
	}
	check(s, s.db.ks)
}

// FuzzSlabs drives the pages and the table of a database: runs of keys of all sizes are set, overwritten and deleted, so that the
// table grows and shrinks under a scan, which must come to every key that is there throughout.
func FuzzSlabs(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x01\xf4\x03\xe8\x01\x07\xd0\x01\x90\x00\x40\x03\x00\x00\x00\x05\x00\x00\x02\x00\x10\x01\xf4\x00\x00\x03\x00\x00\x00\x09\x00\x00"))
	f.Add([]byte(strings.Repeat("\x01\x03\x01\xf0\x10\x00\x20\x02\x05\x01\x80\x00\x00\x03\x00\x00\x00\x01\x00\x00", 12)))
	f.Fuzz(func(t *testing.T, script []byte) {
		d := &byteDice{script}
		s := &slabs{T: t, db: New(1, toyTypes()).DB(0), want: map[string]string{}}
		for range slabsActs {
			if len(d.left) == 0 {
				break
			}
			s.act(d)
		}
		s.agree()
	})
}
