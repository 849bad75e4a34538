package integration

import (
	"os"
	"strings"
	"testing"
	"time"
)

const transcriptDir = "testdata/transcripts"

// Every transcript gets the same replies from holdfast and from Redis, leaves the same keys in both, and
// what it leaves in holdfast outlives a kill -9 and an orderly end.
func TestTranscripts(t *testing.T) {
	all, err := LoadTranscripts(transcriptDir)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no transcripts")
	}
	for _, transcript := range all {
		for _, protocol := range []string{"resp2", "resp3"} {
			t.Run(strings.TrimSuffix(transcript.Name, ".txt")+"/"+protocol, func(t *testing.T) {
				t.Parallel()
				playTranscript(t, transcript, protocol == "resp3")
			})
		}
	}
}

// INTEGRATION_TRACE=1 with -v shows every reply of the real server.
func playTranscript(t *testing.T, transcript Transcript, resp3 bool) {
	options := Options{Dir: t.TempDir(), Extra: transcript.Options}
	ours := start(t, subject, options)
	theirs := start(t, model, Options{Dir: t.TempDir(), Extra: transcript.Options})
	player := Player{
		Ours:   NewSide(subject.Name, ours.Addr, transcript.Options, resp3),
		Theirs: NewSide(model.Name, theirs.Addr, transcript.Options, resp3),
		Twins:  twins,
	}
	if os.Getenv("INTEGRATION_TRACE") != "" {
		player.Trace = func(s Step, theirs Reply) { t.Logf("%3d %-40s %s", s.Line, s.Text, theirs) }
	}
	defer player.Ours.Close()
	defer player.Theirs.Close()
	failures, err := player.Play(transcript)
	for _, failure := range failures {
		t.Error(failure)
	}
	if err != nil {
		t.Fatal(err)
	}
	items := inventory(t, player.Ours)
	for _, diff := range CompareInventories(items, inventory(t, player.Theirs), 2500) {
		t.Errorf("%s and %s: %s", subject.Name, model.Name, diff)
	}
	digest := digestOf(t, player.Ours)

	ours.Kill()
	ours = start(t, subject, options)
	expectUnchanged(t, "kill -9", ours, options, items, digest)
	if _, err := ours.Stop(); err != nil {
		t.Fatal(err)
	}
	ours = start(t, subject, options)
	expectUnchanged(t, "an orderly end", ours, options, items, digest)
}

// expectUnchanged checks that a restarted server has the keys, values and deadlines that it had.
func expectUnchanged(t *testing.T, after string, proc *Process, o Options, items []Item, digest string) {
	t.Helper()
	side := NewSide(subject.Name, proc.Addr, o.Extra, false)
	defer side.Close()
	if got := digestOf(t, side); got != digest {
		t.Errorf("after %s: DEBUG DIGEST is %s, was %s", after, got, digest)
	}
	for _, diff := range CompareInventories(inventory(t, side), items, 0) {
		t.Errorf("after %s and before it: %s", after, diff)
	}
}

func inventory(t *testing.T, side *Side) []Item {
	t.Helper()
	items, err := Inventory(side, time.Now().UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func digestOf(t *testing.T, side *Side) string {
	t.Helper()
	reply, err := side.Ask("DEBUG", "DIGEST")
	if err != nil {
		t.Fatal(err)
	}
	return reply.Text
}

// Every difference that a transcript excuses is one that users can read about.
func TestDifferencesAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	all, err := LoadTranscripts(transcriptDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, transcript := range all {
		for _, s := range transcript.Steps {
			if s.Rule == RuleDiffers && !strings.Contains(string(doc), s.Words) {
				t.Errorf("%s:%d: docs/compatibility.md does not say %q", transcript.Name, s.Line, s.Words)
			}
			if s.Act == ActOwn && !documentsOwn(string(doc), s.Command) {
				t.Errorf("%s:%d: docs/compatibility.md does not name %q", transcript.Name, s.Line, s.Command)
			}
		}
	}
}

// documentsOwn says whether the text names the command, or the command and its subcommand.
func documentsOwn(doc, command string) bool {
	words := strings.Fields(strings.ToUpper(command))
	if len(words) > 1 && (words[0] == "CLIENT" || words[0] == "DEBUG") {
		return strings.Contains(doc, words[0]+" "+words[1])
	}
	return strings.Contains(doc, words[0])
}
