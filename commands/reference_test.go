package commands

import (
	"os"
	"strings"
	"testing"
)

// What docs/compatibility.md says of the commands is made from the table, between two marks; the lines of known
// differences, from which it takes its notes, stand above them and are written by hand.
func TestReferenceInTheDocs(t *testing.T) {
	const (
		path  = "../docs/compatibility.md"
		begin = "<!-- commands: written by `make docs` -->\n"
		end   = "<!-- end of commands -->\n"
	)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(text), begin)
	_, tail, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no marks %q and %q", path, begin, end)
	}
	_, differences, _ := strings.Cut(head, "## Known differences")
	differences, _, _ = strings.Cut(differences, "\n## ")
	want := head + begin + Reference(strings.Split(differences, "\n")) + end + tail
	switch {
	case want == string(text):
	case os.Getenv("UPDATE_DOCS") != "":
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the table of commands makes of it: run `make docs`, and look at what that changes", path)
	}
}

func TestReference(t *testing.T) {
	got := Reference([]string{
		"", "| where | difference |", "| --- | --- |", "| `OBJECT ENCODING n` | first |", "| `XADD`, `XTRIM` with `~` | second |",
		"| `XADD` | third |", "| `maxmemory` and `get` | fourth |",
	})
	for _, want := range []string{
		"| `OBJECT ENCODING` | 2.2.3 | `OBJECT ENCODING n`: first |\n", "| `OBJECT` | 2.2.3 |  |\n", "| `XADD` | 5.0.0 | second; third |\n",
		"| `XTRIM` | 5.0.0 | second |\n", "| `GET` | 1.0.0 |  |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q", want)
		}
	}
}
