package recorder

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"holdfast/lab/subject"
	"holdfast/lab/trace"
)

// build builds the program of this module.
func build(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "holdfast")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/holdfast")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// set sends SETs of 64 bytes, so many on each of so many connections.
func set(t testing.TB, server subject.Server, clients, each int) {
	t.Helper()
	var all sync.WaitGroup
	errs := make([]error, clients)
	for n := range clients {
		all.Go(func() {
			c, err := server.Dial()
			if err != nil {
				errs[n] = err
				return
			}
			for i := range each {
				key := "key:" + strconv.Itoa(n) + ":" + strconv.Itoa(i%100)
				reply, err := c.Do([]byte("SET"), []byte(key), []byte(strings.Repeat("v", 64)))
				if err = errors.Join(err, reply.Err()); err != nil {
					errs[n] = errors.Join(err, c.Close())
					return
				}
			}
			errs[n] = c.Close()
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func process(t testing.TB, name, policy, holdfast string) *subject.Process {
	t.Helper()
	command, err := subject.Preset(name, policy, holdfast)
	if err != nil {
		t.Fatal(err)
	}
	return &subject.Process{Command: command}
}

// Real servers run on the mount, are killed and start again; the trace makes what the directory has, and every sync that
// they rest on is in it.
func TestRealServers(t *testing.T) {
	holdfast := build(t)
	for _, name := range []string{"holdfast", "redis"} {
		t.Run(name, func(t *testing.T) {
			l := open(t, nil)
			p := process(t, name, "always", holdfast)
			for range 2 {
				server, err := p.Start(t.Context(), l.mount)
				if err != nil {
					t.Fatal(err)
				}
				set(t, server, 4, 100)
				c, err := server.Dial()
				if err != nil {
					t.Fatal(err)
				}
				size, err := c.Do([]byte("DBSIZE"))
				if err != nil || size.Int != 400 {
					t.Errorf("%d keys, %v, want 400", size.Int, err)
				}
				for _, command := range [][]string{{"SAVE"}, {"BGREWRITEAOF"}} {
					if _, err := c.Do([]byte(command[0])); err != nil {
						t.Error(err)
					}
				}
				if err := errors.Join(server.Kill(), c.Close()); err != nil {
					t.Error(err)
				}
			}
			l.done()
			kinds := map[trace.Kind]int{}
			for _, e := range l.events {
				kinds[e.Kind]++
			}
			if kinds[trace.Sync] < 50 || kinds[trace.Write] < 50 || kinds[trace.Rename] < 2 {
				t.Errorf("recorded %v", kinds)
			}
			if p := l.Problems(); len(p) > 0 {
				t.Errorf("problems %q", p)
			}
		})
	}
}

// One write of 4 KiB with an fdatasync, by one thread, with and without the mount; µs is what it is about.
func BenchmarkWriteAndSync(b *testing.B) {
	const rounds = 3000
	measure := func(b *testing.B, dir string) {
		for b.Loop() {
			out, err := child(b, "bench", dir, strconv.Itoa(rounds)).CombinedOutput()
			if err != nil {
				b.Fatalf("%v: %s", err, out)
			}
			took, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(took, "µs/write+sync")
		}
	}
	b.Run("disk", func(b *testing.B) { measure(b, b.TempDir()) })
	b.Run("memory", func(b *testing.B) { measure(b, memory(b)) })
	b.Run("mount", func(b *testing.B) { measure(b, open(b, nil, onMemory(b)).mount) })
}

// SETs of ten clients, always, with and without the mount.
func BenchmarkServers(b *testing.B) {
	const clients, each = 10, 500
	holdfast := build(b)
	for _, name := range []string{"holdfast", "redis"} {
		measure := func(b *testing.B, dir string) {
			server, err := process(b, name, "always", holdfast).Start(b.Context(), dir)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				set(b, server, clients, each)
			}
			b.ReportMetric(float64(b.N*clients*each)/b.Elapsed().Seconds(), "SET/s")
			if err := server.Kill(); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(name+"/disk", func(b *testing.B) { measure(b, b.TempDir()) })
		b.Run(name+"/memory", func(b *testing.B) { measure(b, memory(b)) })
		b.Run(name+"/mount", func(b *testing.B) { measure(b, open(b, nil, onMemory(b)).mount) })
	}
}

// memory is a directory in memory.
func memory(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "holdfast-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	return dir
}

// onMemory puts the backing directory there, where a lab has it.
func onMemory(b *testing.B) func(*Options) {
	dir := memory(b)
	return func(o *Options) { o.Backing = dir }
}
