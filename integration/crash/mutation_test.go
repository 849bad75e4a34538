package crash

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/lab/disk"
	"holdfast/lab/play"
	"holdfast/lab/subject"
	"holdfast/lab/workload"
)

// mutation is a defect.
type mutation struct {
	name     string
	edits    []edit
	workload string
	requests int // of each client; 0: 120
	retain   string
	variants []disk.Variant // none: all
	pieces   []int64        // none: the usual ones
	// recovery: the defect is in reading, so that the states must be played on the program that has it.
	recovery bool
	// checks are those of which at least one must find it. None: it is no defect, and every state must be sound.
	checks []workload.Check
}

// edit puts something else where text stands, in the one place of one file.
type edit struct {
	file       string // below the module's root
	text, with string
}

// pause makes the moment longer between a checkpoint's cut and its taking of keys, which takes many keys otherwise.
func pause() edit {
	const cut = "	freeze, meta, pending := e.freeze()\n"
	return edit{"engine/checkpoint.go", cut, cut + "	time.Sleep(5 * time.Millisecond)\n"}
}

func mutations() []mutation {
	return []mutation{
		{
			name: "no sync before the reply",
			edits: []edit{{"aof/log.go", `	if err := l.live.file.Sync(); err != nil {
		return l.fail("sync "+l.live.path, err)
	}
`, ""}},
			workload: "registers", checks: []workload.Check{workload.Lost},
		},
		{
			name:     "no sync of a directory",
			edits:    []edit{{"internal/vfs/os.go", "errors.Join(d.Sync(), d.Close())", "d.Close()"}},
			workload: "counters", checks: []workload.Check{workload.Lost},
		},
		{
			name:     "no look at the checksum",
			edits:    []edit{{"aof/reader.go", " || storedCRC(b) != recordCRC(b, r.seed) {", " {"}},
			workload: "lists", requests: 30, recovery: true, pieces: []int64{16}, // so that small records are torn, too
			variants: []disk.Variant{disk.Torn},
			checks:   []workload.Check{workload.Invented, workload.Order, workload.Lost, workload.Torn},
		},
		{
			name: "no capture before write",
			edits: []edit{pause(), {"kv/freeze.go", `	if f := db.freezing; f != nil && m == f.old {
		f.handOut(db, p.b)
	}
`, ""}},
			workload: "counters", checks: []workload.Check{workload.Lost, workload.Order, workload.Invented},
		},
		{
			name: "nothing wrong, only slower between cut and capture", edits: []edit{pause()}, workload: "counters",
		},
		{
			name: "no LSN in the transaction that changes the base",
			edits: []edit{{"snapshot/apply.go", "	w.state.Meta, w.state.applying = to.Meta, false\n",
				`	before := w.state.LSN
	w.state.Meta, w.state.applying = to.Meta, false
	w.state.LSN = before
`}},
			workload: "counters", retain: "3600", checks: []workload.Check{workload.Invented, workload.Order},
		},
	}
}

// build makes a program with the defect in it. The sources stay as they are.
func (m mutation) build(t *testing.T, dir string) string {
	t.Helper()
	replaced := map[string]string{}
	for i, e := range m.edits {
		path, err := filepath.Abs(filepath.Join("..", "..", filepath.FromSlash(e.file)))
		if err != nil {
			t.Fatal(err)
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), e.text); n != 1 {
			t.Fatalf("%s has this %d times, not once; the mutation must follow the code:\n%s", e.file, n, e.text)
		}
		replaced[path] = filepath.Join(dir, fmt.Sprintf("mutant%d.go", i))
		if err := os.WriteFile(replaced[path], []byte(strings.Replace(string(source), e.text, e.with, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	list, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "mutant")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-overlay", list, "-o", program, "../../cmd/holdfast").CombinedOutput(); err != nil {
		t.Fatalf("building the mutant: %v\n%s", err, out)
	}
	return program
}

// TestMutations: each defect is found, and what it takes is shrunk to a state that shows it again.
func TestMutations(t *testing.T) {
	seed := number(t, "CRASH_SEED", 1)
	for _, m := range mutations() {
		t.Run(m.name, func(t *testing.T) {
			w, err := workload.New(m.workload, workload.Options{Clients: 4, Requests: cmp.Or(m.requests, 120), Keys: 24, Checkpoints: true})
			if err != nil {
				t.Fatal(err)
			}
			dir := scratch(t)
			mutant := m.build(t, t.TempDir())
			r := Recording{
				Program: mutant, Dir: dir, Trace: filepath.Join(dir, "trace"), Workload: w, Policy: "always", Retain: m.retain,
				Seed: seed,
			}
			if m.recovery {
				r.Program = program
			}
			server := record(t, r)
			plan := play.Plan{
				Trace: r.Trace, Workload: w, Starter: server, Scratch: dir, States: 300, Variants: m.variants, Pieces: m.pieces,
				Seed: seed, Clock: server.Clock, Shrink: true,
			}
			if m.recovery {
				plan.Starter, plan.Clock = &subject.Process{Command: r.command(mutant)}, time.Now
				plan.States = 800 // more than there are points: most of them torn
			}
			s := mustPlay(t, plan)
			t.Logf("%v; %v", s.Outcomes, s.Checks)
			if len(m.checks) == 0 {
				sound(t, s, r.Trace, seed)
				return
			}
			m.found(t, plan, s)
		})
	}
}

// found fails the test unless a check has found the defect, in a state that shows it again.
func (m mutation) found(t *testing.T, plan play.Plan, s play.Summary) {
	t.Helper()
	found := 0
	for _, check := range m.checks {
		found += s.Checks[check]
	}
	if found == 0 {
		t.Errorf("not found by any of %q in %d states; refused: %d", m.checks, s.States, s.Outcomes[play.Refused])
	}
	for _, r := range s.Failures {
		if r.Least == "" {
			continue
		}
		t.Logf("%v\n\tat the least %s, without %s", r.Findings[0], r.Least, strings.Join(r.LeastLost, "; "))
		state, err := play.ParseState(r.Least)
		if err != nil {
			t.Fatal(err)
		}
		again, err := play.One(context.Background(), plan, state)
		if err != nil || again.Outcome != play.Broken {
			t.Errorf("%s again: %+v, %v", r.Least, again, err)
		}
		return
	}
	t.Error("no state was shrunk")
}
