package config

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestEveryDefaultParsesAndPrintsAsItself(t *testing.T) {
	c := New()
	for _, row := range Directives() {
		if err := c.Set(Flag, row.Name, row.Default); err != nil {
			t.Errorf("%s: default %q: %v", row.Name, row.Default, err)
		}
		if got, _ := c.Get(row.Name); got != row.Default {
			t.Errorf("%s: default %q prints as %q", row.Name, row.Default, got)
		}
	}
}

func TestRowsAreComplete(t *testing.T) {
	variables := map[string]string{}
	for _, row := range Directives() {
		if row.Usage == "" || strings.ContainsAny(row.Usage, "\n|") {
			t.Errorf("%s: usage %q is not one line that fits a table", row.Name, row.Usage)
		}
		if row.Inert && row.Fixed {
			t.Errorf("%s is both inert and fixed", row.Name)
		}
		if numeric := row.Kind == KindInt || row.Kind == KindSeconds || row.Kind == KindOctal || row.Kind == KindMemory || row.Kind == KindMemoryOrPercent; numeric != (row.Max != 0) {
			t.Errorf("%s: has bounds: %t, has a kind with bounds: %t", row.Name, row.Max != 0, numeric)
		}
		if row.Kind == KindEnum && !slices.Contains(row.Choices, row.Default) {
			t.Errorf("%s: default %q is no choice", row.Name, row.Default)
		}
		for _, name := range row.Names() {
			if name != strings.ToLower(name) {
				t.Errorf("%s is not in lower case", name)
			}
			if other := variables[EnvName(name)]; other != "" {
				t.Errorf("%s and %s share the variable %s", name, other, EnvName(name))
			}
			variables[EnvName(name)] = name
		}
	}
}

func TestUnknownKindIsABug(t *testing.T) {
	defer func() {
		if r, _ := recover().(string); !strings.HasPrefix(r, "BUG: ") {
			t.Errorf("panic %q", r)
		}
	}()
	row := Directive{Name: "x", Kind: KindAddr} // has no values of its own
	row.parse("1.2.3.4:5", nil)
}

// What Redis has, holdfast has, under the same name and with the same default, apart from what is listed here.
func TestNamesAndDefaultsAreThoseOfRedis(t *testing.T) {
	ours := map[string]string{
		"appendonly":  "yes",       // durable unless told otherwise
		"appendfsync": "always",    // the same
		"bind":        "127.0.0.1", // as Redis's own example file has it
		// a client that sends and never reads must not use up the memory
		"client-output-buffer-limit": "normal 1073741824 268435456 60 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
	}
	text, err := os.ReadFile("testdata/defaults-redis-7.0.15.txt")
	if err != nil {
		t.Fatal(err)
	}
	c := New()
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, want, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if own, ok := ours[name]; ok {
			want = own
		}
		if got, ok := c.Get(name); !ok || got != want {
			t.Errorf("%s: %q (known: %t), want %q", name, got, ok, want)
		}
	}
	if got, _ := c.Get("save"); got != "3600 1 300 100 60 10000" {
		t.Errorf("save: %q", got)
	}
	if got, _ := c.Get("port"); got != "6379" {
		t.Errorf("port: %q", got)
	}
}

func TestRowsDoNotShareSlices(t *testing.T) {
	find := func(rows []Directive) Directive {
		return rows[slices.IndexFunc(rows, func(row Directive) bool { return row.Name == "appendfsync" })]
	}
	find(Directives()).Choices[0] = "scribbled"
	if got := find(Directives()).Choices[0]; got != "everysec" {
		t.Errorf("first choice %q", got)
	}
}

func TestReferenceNamesEveryRowOnce(t *testing.T) {
	reference := Reference()
	for _, row := range Directives() {
		if n := strings.Count(reference, "\n| `"+row.Name+"`"); n != 1 {
			t.Errorf("%s: %d lines", row.Name, n)
		}
	}
	if want := "| `appendfsync`, `fsync` | `always` | one of everysec, always, no | at run time |"; !strings.Contains(reference, want) {
		t.Errorf("no line %q", want)
	}
	if want := "| `unixsocket` | `\"\"` | text | at the start |"; !strings.Contains(reference, want) {
		t.Errorf("no line %q", want)
	}
}
