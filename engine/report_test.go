package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/engine"
	"holdfast/internal/vfs"
)

// A torn tail is cut, and the report says where, to the byte. What was acknowledged is there.
func TestATornTailIsCutAndReported(t *testing.T) {
	fsys, dir := disk(t)
	s := begin(t, setup{fs: fsys, dir: dir, serving: make(chan struct{})}) // no sync but the commit's is to fail
	s.pipeline("SET a 1", "SET b 2")
	end := int64(0)
	s.engine.Do(func() { end = s.engine.Figures().LogBytes })
	s.run(s.user, words("SET a torn"), words("SET b torn"))
	fsys.FailAt(fsys.Ops(vfs.Sync)+1, errors.New("power"), vfs.Sync)
	if s.commit(0) {
		t.Fatal("the commit succeeded")
	}
	torn := 0
	for seed := range int64(20) {
		_, left := leftBy(t, fsys, vfs.Random, seed)
		r := open(t, setup{dir: left})
		shown, report := r.dump(), r.engine.Report()
		if text := shown[place{0, "b"}]; text != `"2"` && text != `"torn"` {
			t.Errorf("seed %d: b is %s", seed, text)
		}
		cut := report.Log.CutBytes
		if cut == 0 {
			continue
		}
		torn++
		if segment := last(segments(t, left)); report.Log.CutFile != segment || report.Log.CutOffset < end || report.Log.To < 2 {
			t.Errorf("seed %d: cut %+v; the acknowledged end is %s at %d", seed, report.Log, segment, end)
		}
		if text := report.String(); !strings.Contains(text, fmt.Sprintf("torn tail of %d bytes", cut)) {
			t.Errorf("seed %d: the report says %s", seed, text)
		}
		written(t, left, report)
		r.mustClose(false)
		if again := open(t, setup{dir: left}).engine.Report(); again.Log.CutBytes != 0 {
			t.Errorf("seed %d: cut again: %s", seed, again)
		}
	}
	if torn == 0 {
		t.Error("no seed tore the tail")
	}
}

// written compares the report in the directory with the engine's.
func written(t *testing.T, dir string, want engine.Report) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, engine.ReportName))
	if err != nil {
		t.Fatal(err)
	}
	var got engine.Report
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.DataSet != want.DataSet || got.Keys != want.Keys || got.Log == nil || *got.Log != *want.Log {
		t.Errorf("%s says %+v, the engine %+v", engine.ReportName, got, want)
	}
}

// The report counts what was recovered, whatever the parts come from.
func TestTheReport(t *testing.T) {
	s := stocked(t)
	r := s.again()
	got := r.engine.Report()
	if got.Base == nil || got.Base.LSN != 4 || got.Base.Keys != 4 || got.Base.TTLs != 1 {
		t.Errorf("the base is reported as %+v", got.Base)
	}
	if got.Log == nil || got.Log.From != 5 || got.Log.Records != 11 || got.Log.To != 15 {
		t.Errorf("the log is reported as %+v", got.Log)
	}
	if got.Keys != 6 || got.TTLs != 1 || got.Lapsed != 0 {
		t.Errorf("%d keys, %d TTLs pending, %d lapsed", got.Keys, got.TTLs, got.Lapsed)
	}
	written(t, s.setup.dir, got)
	r.mustClose(false)

	s.setup.clock.advance(1_000_000_000_000)
	if got := s.again().engine.Report(); got.TTLs != 0 || got.Lapsed != 1 {
		t.Errorf("later: %d TTLs pending, %d lapsed", got.TTLs, got.Lapsed)
	}
}

// One is not counted as many are.
func TestAReportOfOneOfEach(t *testing.T) {
	r := engine.Report{Keys: 1, TTLs: 1, Base: &engine.BaseReport{File: "base.db", LSN: 4, Keys: 1}, Log: &engine.LogReport{From: 5, To: 5, Records: 1, Bytes: 60}}
	want := "snapshot base.db at LSN 4 with 1 key; log replayed from LSN 5 to 5: 1 record, 60 bytes; 1 key, 1 with a TTL pending, 0 lapsed meanwhile; 0 ms"
	if r.String() != want {
		t.Errorf("%s, want %s", r, want)
	}
}
