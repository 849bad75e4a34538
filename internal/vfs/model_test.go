package vfs_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"holdfast/internal/vfs"
)

// modelFile is a file as the model sees it: its contents since the last Sync, which the first of them is.
type modelFile struct {
	versions [][]byte
	handle   vfs.File
}

func (m *modelFile) now() []byte { return m.versions[len(m.versions)-1] }

// changed adds a version: the newest, resized and then edited.
func (m *modelFile) changed(size int, edit func(b []byte)) {
	b := make([]byte, size)
	copy(b, m.now())
	edit(b)
	m.versions = append(m.versions, b)
}

// plausible reports whether a crash may have left text of the file: each byte is of some version, or a zero that no
// write reached, and the size lies between those of the versions.
func (m *modelFile) plausible(text string) bool {
	least, most := len(m.now()), 0
	for _, v := range m.versions {
		least, most = min(least, len(v)), max(most, len(v))
	}
	for i := range len(text) {
		found := slices.ContainsFunc(m.versions, func(v []byte) bool {
			return i < len(v) && v[i] == text[i] || i >= len(v) && text[i] == 0
		})
		if !found {
			return false
		}
	}
	return least <= len(text) && len(text) <= most
}

// model says in the plainest way what Faulty should do. It moves files within a directory only.
type model struct {
	t      *testing.T
	rng    *rand.Rand
	f      *vfs.Faulty
	root   string
	live   map[string]*modelFile
	stable map[string]*modelFile
	past   map[string][]*modelFile // by name: what had it since the last SyncDir, nil for nothing
	all    []*modelFile
}

var modelNames = []string{"a", "b", "c", "d/a", "d/b"}

func newModel(t *testing.T, seed int64) *model {
	root := t.TempDir()
	m := &model{
		t: t, rng: rand.New(rand.NewPCG(uint64(seed), 2)), f: vfs.NewFaulty(root, seed), root: root,
		live: make(map[string]*modelFile), stable: make(map[string]*modelFile), past: make(map[string][]*modelFile),
	}
	must(t, m.f.MkdirAll(filepath.Join(root, "d")))
	return m
}

func (m *model) path(name string) string { return filepath.Join(m.root, name) }

// set gives a name to a file, or to none.
func (m *model) set(name string, file *modelFile) {
	m.past[name] = append(m.past[name], file)
	if file == nil {
		delete(m.live, name)
	} else {
		m.live[name] = file
	}
}

func (m *model) step() {
	name := modelNames[m.rng.IntN(len(modelNames))]
	file := m.live[name]
	if file == nil {
		file = &modelFile{versions: [][]byte{nil}, handle: create(m.t, m.f, m.path(name))}
		m.all = append(m.all, file)
		m.set(name, file)
		return
	}
	off, n := m.rng.IntN(1500), 1+m.rng.IntN(1500)
	size := len(file.now())
	switch m.rng.IntN(10) {
	case 0, 1, 2, 3:
		text := bytes.Repeat([]byte{byte(1 + m.rng.IntN(255))}, n)
		write(m.t, file.handle, int64(off), string(text))
		file.changed(max(size, off+n), func(b []byte) { copy(b[off:], text) })
	case 4:
		must(m.t, file.handle.Truncate(int64(off)))
		file.changed(off, func([]byte) {})
	case 5:
		must(m.t, file.handle.Preallocate(int64(off), int64(n)))
		file.changed(max(size, off+n), func(b []byte) { clear(b[off : off+n]) })
	case 6:
		must(m.t, file.handle.Sync())
		file.versions = [][]byte{file.now()}
	case 7:
		to := path.Join(path.Dir(name), []string{"a", "b"}[m.rng.IntN(2)])
		must(m.t, m.f.Rename(m.path(name), m.path(to)))
		if to != name {
			m.set(name, nil)
			m.set(to, file)
		}
	case 8:
		must(m.t, m.f.Remove(m.path(name)))
		m.set(name, nil)
	case 9:
		m.syncDir(path.Dir(name))
	}
}

func (m *model) syncDir(dir string) {
	must(m.t, m.f.SyncDir(m.path(dir)))
	for _, name := range modelNames {
		if path.Dir(name) == dir {
			delete(m.past, name)
			delete(m.stable, name)
			if file := m.live[name]; file != nil {
				m.stable[name] = file
			}
		}
	}
}

func (m *model) check() {
	least, most := left{"d/": ""}, left{"d/": ""}
	for name, file := range m.stable {
		least[name] = string(file.versions[0])
	}
	for name, file := range m.live {
		most[name] = string(file.now())
	}
	m.same("OnlySynced", after(m.t, m.f, vfs.OnlySynced, 0), least)
	m.same("Everything", after(m.t, m.f, vfs.Everything, 0), most)
	m.same("the directory itself", files(m.t, m.root), most)
	for _, mode := range []vfs.Mode{vfs.Random, vfs.RandomOrdered} {
		found := after(m.t, m.f, mode, m.rng.Int64())
		for _, name := range modelNames {
			m.checkRandom(mode, name, found)
		}
	}
}

// checkRandom finds the file that may have left what has the name.
func (m *model) checkRandom(mode vfs.Mode, name string, found left) {
	text, exists := found[name]
	for _, file := range append(slices.Clone(m.past[name]), m.stable[name]) {
		if file == nil && !exists || file != nil && exists && file.plausible(text) {
			return
		}
	}
	m.t.Errorf("%v left a %s of %d bytes (exists: %v) that no crash leaves", mode, name, len(text), exists)
}

func (m *model) same(what string, got, expected left) {
	if maps.Equal(got, expected) {
		return
	}
	var diff strings.Builder
	for _, name := range modelNames {
		if got[name] != expected[name] {
			fmt.Fprintf(&diff, " %s has %d bytes, want %d;", name, len(got[name]), len(expected[name]))
		}
	}
	names, wanted := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(expected))
	m.t.Errorf("%s: names %q, want %q;%s", what, names, wanted, diff.String())
}

func TestAgainstTheModel(t *testing.T) {
	for seed := range int64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := newModel(t, seed)
			for i := range 120 {
				m.step()
				if i%8 == 7 {
					m.check()
				}
			}
			for _, file := range m.all {
				must(t, file.handle.Close())
			}
		})
	}
}

func TestFilesMayBeSharedByGoroutines(t *testing.T) {
	const writers, rounds, width = 4, 50, 100
	root := t.TempDir()
	f := vfs.NewFaulty(root, 1)
	file := create(t, f, filepath.Join(root, "file"))
	defer closing(t, file)
	must(t, f.SyncDir(root))
	var group sync.WaitGroup
	for w := range int64(writers) {
		group.Go(func() {
			for r := range rounds {
				p := bytes.Repeat([]byte{byte('a' + r%26)}, width)
				if _, err := file.WriteAt(p, w*width); err != nil {
					t.Error(err)
				}
				if err := file.Sync(); err != nil {
					t.Error(err)
				}
				if _, err := file.ReadAt(p, w*width); err != nil || p[0] != byte('a'+r%26) {
					t.Errorf("writer %d reads %q, %v", w, p[0], err)
				}
			}
		})
	}
	group.Wait()
	last := strings.Repeat(string(rune('a'+(rounds-1)%26)), writers*width)
	if got := after(t, f, vfs.OnlySynced, 0); got["file"] != last {
		t.Errorf("%q, want %q", got["file"], last)
	}
	if ops := f.Ops(); ops != 2+2*writers*rounds {
		t.Errorf("%d operations, want %d", ops, 2+2*writers*rounds)
	}
}
