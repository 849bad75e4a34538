package intake

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"holdfast/inspect"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
)

// benchKeys is how many keys the benchmarks convert: 200,000, or as many as BENCH_KEYS says. The bounds are for 5 million.
func benchKeys(b *testing.B) int {
	b.Helper()
	text, given := os.LookupEnv("BENCH_KEYS")
	if !given {
		return 200_000
	}
	n, err := strconv.Atoi(text)
	must(b, err)
	return n
}

// benchFile writes an RDB file of strings of 80 bytes.
func benchFile(b *testing.B, n int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "dump.rdb")
	var file bytes.Buffer
	w := rdb.NewWriter(&file, rdb.Version70)
	must(b, w.DB(0, int64(n), 0))
	text := bytes.Repeat([]byte("x"), 80)
	for i := range n {
		key := rdb.Key{Name: fmt.Appendf(nil, "key:%09d", i*7919%n), Kind: kv.String} // in no order, as Redis writes it
		must(b, w.Put(key, func(visit outline.Visitor) error {
			return visit(outline.Element{Pieces: []outline.Piece{{Role: outline.Text, Bytes: text}}})
		}))
	}
	must(b, w.End())
	must(b, os.WriteFile(path, file.Bytes(), 0o600))
	return path
}

// How long an RDB file takes to become a data directory, and that to become one again. The bound for both is 300,000 keys/s.
func BenchmarkRDB(b *testing.B) {
	n := benchKeys(b)
	path, root, dir := benchFile(b, n), b.TempDir(), ""
	rounds := 0
	b.Run("import", func(b *testing.B) {
		for ; b.Loop(); rounds++ {
			in, err := Open(vfs.OS(), path)
			must(b, err)
			dir = filepath.Join(root, strconv.Itoa(rounds))
			r, err := IntoDirectory(b.Context(), in, dir, options())
			must(b, err)
			if must(b, in.Close()); r.Keys != int64(n) {
				b.Fatal(r)
			}
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
	})
	b.Run("export", func(b *testing.B) {
		s, err := inspect.OpenSnapshot(vfs.OS(), filepath.Join(dir, "base.db"))
		must(b, err)
		o := inspect.ExportOptions{KeyFilter: inspect.KeyFilter{DB: inspect.AllDatabases}}
		for b.Loop() {
			var file bytes.Buffer
			plan, err := inspect.PlanRDB(s.Source(), o.KeyFilter)
			must(b, err)
			x, err := inspect.NewRDB(&file, plan, 0, false)
			must(b, err)
			done, err := inspect.Export(s.Source(), o, x)
			if must(b, err); done.Keys != int64(n) {
				b.Fatal(done)
			}
		}
		must(b, s.Close())
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
	})
}
