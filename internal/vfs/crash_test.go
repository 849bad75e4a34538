package vfs_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

// script drives a Faulty by names relative to its root; any error ends the test.
type script struct {
	t    *testing.T
	f    *vfs.Faulty
	root string
	open map[string]vfs.File
}

func newScript(t *testing.T) *script {
	root := t.TempDir()
	s := &script{t: t, f: vfs.NewFaulty(root, 1), root: root, open: make(map[string]vfs.File)}
	t.Cleanup(func() {
		for _, file := range s.open {
			closing(t, file)
		}
	})
	return s
}

func (s *script) path(name string) string { return filepath.Join(s.root, name) }

func (s *script) create(name string)          { s.open[name] = create(s.t, s.f, s.path(name)) }
func (s *script) write(name, text string)     { s.writeAt(name, 0, text) }
func (s *script) truncate(name string, n int) { must(s.t, s.open[name].Truncate(int64(n))) }
func (s *script) sync(name string)            { must(s.t, s.open[name].Sync()) }
func (s *script) rename(from, to string)      { must(s.t, s.f.Rename(s.path(from), s.path(to))) }
func (s *script) remove(name string)          { must(s.t, s.f.Remove(s.path(name))) }
func (s *script) syncDir(name string)         { must(s.t, s.f.SyncDir(s.path(name))) }
func (s *script) outside(name, text string) {
	must(s.t, os.WriteFile(s.path(name), []byte(text), 0o600))
}
func (s *script) writeAt(name string, off int64, text string) { write(s.t, s.open[name], off, text) }

// durable makes a file that no crash can take.
func (s *script) durable(name, text string) {
	s.create(name)
	s.write(name, text)
	s.sync(name)
	s.syncDir(filepath.Dir(name))
}

func (s *script) failSync(name string) {
	s.f.FailAt(s.f.Ops(vfs.Sync)+1, syscall.EIO, vfs.Sync)
	if err := s.open[name].Sync(); !errors.Is(err, syscall.EIO) {
		s.t.Errorf("Sync: %v, want EIO", err)
	}
}

type left = map[string]string

// TestWhatACrashLeaves lists for each script the outcomes that are possible: of the random modes all of them must
// turn up, and no other. The first is the one of OnlySynced, the last the one of Everything.
func TestWhatACrashLeaves(t *testing.T) {
	zeros := strings.Repeat("\x00", 511) // the rest of a sector after its first byte
	for _, c := range []struct {
		name     string
		script   func(s *script)
		outcomes []left
		// disordered come of Random only: a journal does not allow them
		disordered []left
	}{
		{
			name:     "a synced file under a synced name stays",
			script:   func(s *script) { s.durable("a", "text") },
			outcomes: []left{{"a": "text"}},
		},
		{
			name:     "a synced file under a name never synced may be missing",
			script:   func(s *script) { s.create("a"); s.write("a", "text"); s.sync("a") },
			outcomes: []left{{}, {"a": "text"}},
		},
		{
			name:     "a name may outlive the bytes never synced",
			script:   func(s *script) { s.create("a"); s.syncDir("."); s.write("a", "x") },
			outcomes: []left{{"a": ""}, {"a": "\x00"}, {"a": "x"}},
		},
		{
			name:     "an overwrite is there or not",
			script:   func(s *script) { s.durable("a", "1"); s.write("a", "2") },
			outcomes: []left{{"a": "1"}, {"a": "2"}},
		},
		{
			name:     "a truncation is there or not",
			script:   func(s *script) { s.durable("a", "1234"); s.truncate("a", 2) },
			outcomes: []left{{"a": "1234"}, {"a": "12"}},
		},
		{
			name: "what follows a truncation is nowhere without it",
			script: func(s *script) {
				s.durable("a", "1234")
				s.truncate("a", 0)
				s.write("a", "x")
			},
			outcomes: []left{{"a": "1234"}, {"a": ""}, {"a": "\x00"}, {"a": "x"}},
		},
		{
			name: "a preallocation is there or not, and writes within it need no other size",
			script: func(s *script) {
				s.durable("a", "")
				must(s.t, s.open["a"].Preallocate(0, 2))
				s.sync("a")
				s.write("a", "x")
			},
			outcomes: []left{{"a": "\x00\x00"}, {"a": "x\x00"}},
		},
		{
			name:     "a rename without SyncDir may be lost; the file has one name or the other",
			script:   func(s *script) { s.durable("a", "text"); s.rename("a", "b") },
			outcomes: []left{{"a": "text"}, {"b": "text"}},
		},
		{
			name:     "a rename is durable with SyncDir",
			script:   func(s *script) { s.durable("a", "text"); s.rename("a", "b"); s.syncDir(".") },
			outcomes: []left{{"b": "text"}},
		},
		{
			name: "a replaced file is there as before or replaced",
			script: func(s *script) {
				s.durable("a", "old")
				s.durable("tmp", "new")
				s.rename("tmp", "a")
			},
			outcomes: []left{{"a": "old", "tmp": "new"}, {"a": "new"}},
		},
		{
			name:     "bytes follow the file through its names",
			script:   func(s *script) { s.durable("a", "1"); s.rename("a", "b"); s.write("a", "2"); s.sync("a") },
			outcomes: []left{{"a": "2"}, {"b": "2"}},
		},
		{
			name:     "a removed file may come back",
			script:   func(s *script) { s.durable("a", "text"); s.remove("a") },
			outcomes: []left{{"a": "text"}, {}},
		},
		{
			name:       "operations on different names of a directory",
			script:     func(s *script) { s.durable("a", ""); s.remove("a"); s.create("b") },
			outcomes:   []left{{"a": ""}, {}, {"b": ""}},
			disordered: []left{{"a": "", "b": ""}},
		},
		{
			name:     "operations on one name follow each other",
			script:   func(s *script) { s.create("a"); s.rename("a", "b"); s.rename("b", "c") },
			outcomes: []left{{}, {"a": ""}, {"b": ""}, {"c": ""}},
		},
		{
			name: "a move between directories needs both synced",
			script: func(s *script) {
				must(s.t, s.f.MkdirAll(s.path("d")))
				s.durable("a", "text")
				s.rename("a", "d/a")
				s.syncDir("d")
			},
			outcomes: []left{{"d/": "", "a": "text"}, {"d/": "", "d/a": "text"}},
		},
		{
			name: "a move between directories is durable with both synced",
			script: func(s *script) {
				must(s.t, s.f.MkdirAll(s.path("d")))
				s.durable("a", "text")
				s.rename("a", "d/a")
				s.syncDir("d")
				s.syncDir(".")
			},
			outcomes: []left{{"d/": "", "d/a": "text"}},
		},
		{
			name:     "MkdirAll is durable",
			script:   func(s *script) { must(s.t, s.f.MkdirAll(s.path("d/e"))) },
			outcomes: []left{{"d/": "", "d/e/": ""}},
		},
		{
			name:     "a file that others wrote is durable, its name is not",
			script:   func(s *script) { s.outside("bolt", "pages") },
			outcomes: []left{{}, {"bolt": "pages"}},
		},
		{
			name: "a file that others wrote is published like any",
			script: func(s *script) {
				s.outside("tmp", "pages")
				s.syncDir(".")
				s.rename("tmp", "bolt")
				s.outside("bolt", "more pages")
			},
			outcomes: []left{{"tmp": "more pages"}, {"bolt": "more pages"}},
		},
		{
			name: "a file that others wrote may come back when it is replaced",
			script: func(s *script) {
				s.outside("bolt", "old")
				s.outside("tmp", "new")
				s.syncDir(".")
				s.rename("tmp", "bolt")
			},
			outcomes: []left{{"bolt": "old", "tmp": "new"}, {"bolt": "new"}},
		},
		{
			name: "a file that others removed is gone",
			script: func(s *script) {
				s.outside("bolt", "old")
				s.syncDir(".")
				must(s.t, os.Remove(s.path("bolt")))
			},
			outcomes: []left{{}},
		},
		{
			name: "what a failed Sync dropped, no later one brings back",
			script: func(s *script) {
				s.durable("a", "1")
				s.write("a", "2")
				s.failSync("a")
				s.sync("a")
			},
			outcomes: []left{{"a": "1"}, {"a": "2"}},
		},
		{
			name: "what is written after a failed Sync can be synced, which fills no gap before it",
			script: func(s *script) {
				s.durable("a", "1"+zeros)
				s.write("a", "2")
				s.failSync("a")
				s.writeAt("a", 512, "3")
				s.sync("a")
			},
			outcomes: []left{{"a": "1" + zeros + "3"}, {"a": "2" + zeros + "3"}},
		},
		{
			name: "a sector written again after a failed Sync takes what was dropped along",
			script: func(s *script) {
				s.durable("a", "--")
				s.write("a", "X")
				s.failSync("a")
				s.writeAt("a", 1, "Y")
				s.sync("a")
			},
			outcomes: []left{{"a": "XY"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t)
			c.script(s)
			if got := after(t, s.f, vfs.OnlySynced, 0); !maps.Equal(got, c.outcomes[0]) {
				t.Errorf("OnlySynced: %q, want %q", got, c.outcomes[0])
			}
			if got := after(t, s.f, vfs.Everything, 0); !maps.Equal(got, c.outcomes[len(c.outcomes)-1]) {
				t.Errorf("Everything: %q, want %q", got, c.outcomes[len(c.outcomes)-1])
			}
			outcomesAre(t, s.f, vfs.RandomOrdered, c.outcomes)
			outcomesAre(t, s.f, vfs.Random, slices.Concat(c.outcomes, c.disordered))
		})
	}
}

// outcomesAre plays crashes, at least 20, until all outcomes were seen; none but these may be.
func outcomesAre(t *testing.T, f *vfs.Faulty, mode vfs.Mode, possible []left) {
	t.Helper()
	unseen := make(map[string]bool)
	for _, outcome := range possible {
		unseen[fmt.Sprintf("%q", outcome)] = true
	}
	allowed := maps.Clone(unseen)
	for seed := int64(0); seed < 20 || len(unseen) > 0 && seed < 100; seed++ {
		got := fmt.Sprintf("%q", after(t, f, mode, seed))
		if !allowed[got] {
			t.Fatalf("%v, seed %d: %s is none of %q", mode, seed, got, possible)
		}
		delete(unseen, got)
	}
	for outcome := range unseen {
		t.Errorf("%v never left %s", mode, outcome)
	}
}

// TestSectors writes four sectors over four others, unsynced. A crash leaves each as it was or as it is, except that one
// may be torn, or all in order up to any byte. Over many crashes all these forms are seen.
func TestSectors(t *testing.T) {
	const sector, count = 512, 4
	s := newScript(t)
	s.durable("a", strings.Repeat("-", sector*count))
	for i := range int64(count) {
		s.writeAt("a", i*sector, strings.Repeat("X", sector))
	}
	forms := make(map[string]int)
	for seed := range int64(200) {
		text := after(t, s.f, vfs.Random, seed)["a"]
		var shape strings.Builder
		for i := range count {
			shape.WriteByte(sectorShape(t, seed, text[i*sector:(i+1)*sector]))
		}
		if strings.Count(shape.String(), "/") > 1 {
			t.Errorf("seed %d: more than one sector is torn: %s", seed, shape.String())
		}
		forms[shape.String()]++
	}
	for _, form := range []string{"----", "XXXX", "X---", "---X", "-XX-", "X-X-", "XX/-", "X/XX"} {
		if forms[form] == 0 {
			t.Errorf("form %s was never left; seen: %v", form, forms)
		}
	}
}

// sectorShape is '-' for an old sector, 'X' for a new one, '/' for one torn in its midst.
func sectorShape(t *testing.T, seed int64, sector string) byte {
	t.Helper()
	fresh := len(sector) - len(strings.TrimLeft(sector, "X"))
	if strings.Trim(sector[fresh:], "-") != "" {
		t.Errorf("seed %d: a sector is neither old, new nor torn once: %q", seed, sector)
	}
	switch fresh {
	case 0:
		return '-'
	case len(sector):
		return 'X'
	default:
		return '/'
	}
}

func TestVersionsOfOneSectorPassInOrder(t *testing.T) {
	s := newScript(t)
	s.durable("a", "--")
	s.writeAt("a", 0, "X")
	s.writeAt("a", 1, "X")
	outcomesAre(t, s.f, vfs.Random, []left{{"a": "--"}, {"a": "X-"}, {"a": "XX"}})
}

func TestCrashAtEachOperation(t *testing.T) {
	for i, kind := range published {
		dir := t.TempDir()
		f := vfs.NewFaulty(dir, 1)
		f.CrashAt(i + 1)
		if err := publish(f, dir); !errors.Is(err, vfs.ErrCrashed) || !f.Crashed() || f.Ops() != i+1 {
			t.Errorf("crash at %v: %v after %d operations", kind, err, f.Ops())
		}
		expected := left{}
		if kind == vfs.Remove { // all is published
			expected = left{"file": "text"}
		}
		if got := after(t, f, vfs.OnlySynced, 0); !maps.Equal(got, expected) {
			t.Errorf("crash at %v: %q, want %q", kind, got, expected)
		}
	}
}

func TestCrashFreezesWhatOthersWrote(t *testing.T) {
	s := newScript(t)
	s.outside("bolt", "at the crash")
	s.f.CrashAt(2, vfs.SyncDir)
	s.syncDir(".")
	if err := s.f.SyncDir(s.root); !errors.Is(err, vfs.ErrCrashed) {
		t.Errorf("SyncDir: %v", err)
	}
	s.outside("bolt", "later")
	s.outside("another", "later")
	for _, mode := range []vfs.Mode{vfs.OnlySynced, vfs.Everything, vfs.Random} {
		if got := after(t, s.f, mode, 1); !maps.Equal(got, left{"bolt": "at the crash"}) {
			t.Errorf("%v: %q", mode, got)
		}
	}
}

// Whoever opens a file by the name that it was given when it was whole may write it past Faulty, as bbolt does.
func TestARenameHandsOverWhatIsSynced(t *testing.T) {
	for what, c := range map[string]struct {
		act  func(s *script)
		want string
	}{
		"synced, renamed":            {func(s *script) { s.sync("tmp"); s.rename("tmp", "base") }, "by others"},
		"renamed, synced":            {func(s *script) { s.rename("tmp", "base"); s.sync("tmp") }, "ours"},
		"a sync failed, then synced": {func(s *script) { s.failSync("tmp"); s.sync("tmp"); s.rename("tmp", "base") }, ""},
	} {
		s := newScript(t)
		s.create("tmp")
		s.write("tmp", "ours")
		c.act(s)
		s.outside("base", "by others")
		s.syncDir(".")
		if got := after(t, s.f, vfs.OnlySynced, 1); !maps.Equal(got, left{"base": c.want}) {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
		s.f.Crash()
		if got := after(t, s.f, vfs.OnlySynced, 1); !maps.Equal(got, left{"base": c.want}) {
			t.Errorf("%s, after the crash: %q, want %q", what, got, c.want)
		}
	}
	s := newScript(t) // the bytes of what is handed over go to who removes it
	s.durable("tmp", "ours")
	s.rename("tmp", "base")
	s.syncDir(".")
	s.remove("base")
	if got := after(t, s.f, vfs.OnlySynced, 1); !maps.Equal(got, left{"base": "ours"}) {
		t.Errorf("removed: %q", got)
	}
}

func TestMaterialiseDisturbsNothing(t *testing.T) {
	s := newScript(t)
	s.durable("a", "1")
	s.write("a", "2")
	for seed := range int64(5) {
		after(t, s.f, vfs.Random, seed)
	}
	if got := after(t, s.f, vfs.OnlySynced, 0); !maps.Equal(got, left{"a": "1"}) {
		t.Errorf("before the Sync: %q", got)
	}
	s.sync("a")
	if got := after(t, s.f, vfs.OnlySynced, 0); !maps.Equal(got, left{"a": "2"}) {
		t.Errorf("after the Sync: %q", got)
	}
}

func TestOneSeedOneOutcome(t *testing.T) {
	s := newScript(t)
	for i := range 20 {
		name := fmt.Sprint("file", i)
		s.create(name)
		s.write(name, strings.Repeat("x", 3000))
	}
	first := after(t, s.f, vfs.Random, 7)
	if !maps.Equal(first, after(t, s.f, vfs.Random, 7)) {
		t.Error("seed 7 gave two outcomes")
	}
	if maps.Equal(first, after(t, s.f, vfs.Random, 8)) {
		t.Error("seeds 7 and 8 gave the same outcome of 20 unsynced files")
	}
}
