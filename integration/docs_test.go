package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

const compatibilityPath = "../docs/compatibility.md"

// absent are the commands, as "config|get", that a table of docs/compatibility.md says are not there.
func absent(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(compatibilityPath)
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "## Not there\n")
	if !found {
		t.Fatal("docs/compatibility.md has no section “Not there”")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var names []string
	for line := range strings.Lines(section) {
		names = append(names, namesOfRow(t, line)...)
	}
	return names
}

// namesOfRow takes "`A` `B C` | why" apart.
func namesOfRow(t *testing.T, line string) (names []string) {
	t.Helper()
	cells := strings.Split(strings.Trim(line, "| \n"), " | ")
	if !strings.HasPrefix(cells[0], "`") {
		return nil
	}
	if len(cells) != 2 || strings.TrimSpace(cells[1]) == "" {
		t.Errorf("docs/compatibility.md, “Not there”: %q does not say why", line)
	}
	for i, span := range strings.Split(cells[0], "`") {
		if i%2 == 1 {
			names = append(names, strings.ReplaceAll(strings.ToLower(span), " ", "|"))
		}
	}
	return names
}

func commandNames(t *testing.T, c *Conn) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, e := range must(t, c, "COMMAND", "LIST").Elems {
		names[e.Text] = true
	}
	return names
}

// No gap is silent: each command and subcommand of the real server is there, or docs/compatibility.md says why not; what it
// says is missing is.
func TestNoCommandIsMissingInSilence(t *testing.T) {
	a, b := bothServers(t)
	ours, theirs, said := commandNames(t, a), commandNames(t, b), absent(t)
	for name := range theirs {
		container, _, _ := strings.Cut(name, "|")
		if !ours[name] && !slices.Contains(said, name) && (ours[container] || !slices.Contains(said, container)) {
			t.Errorf("%s is missing: add it to the table of commands, or to “Not there” in docs/compatibility.md with the reason", name)
		}
	}
	for _, name := range said {
		if ours[name] {
			t.Errorf("%s is there: take it off “Not there” in docs/compatibility.md, and run `make docs`", name)
		}
		if !theirs[name] {
			t.Errorf("“Not there” in docs/compatibility.md: Redis 7.0.15 has no %s", name)
		}
	}
}

// otherArguments are the commands whose arguments COMMAND DOCS tells differently, and why.
var otherArguments = map[string]string{
	"bitop":                   "7.0 calls the operation a string; 7.2 lists the four, as here",
	"client|list":             "7.0 has a block around the IDs",
	"command|getkeys":         "7.0 tells none",
	"command|getkeysandflags": "7.0 tells none",
	"config|get":              "7.0 has a block of one around the parameter",
	"failover":                "7.0 has FORCE within the block that TO announces",
	"module|loadex":           "7.0 has a block of one around the arguments",
	"geohash":                 "7.0 says that a member is necessary, and it is not",
	"geopos":                  "likewise",
	"geosearch":               "7.0 lets BYBOX belong to the width alone",
	"geosearchstore":          "likewise",
	"hscan":                   "NOVALUES, of 7.4",
	"migrate":                 "7.0 says that AUTH and AUTH2 are optional within what is optional",
	"pfdebug":                 "7.0 calls the subcommand a string",
	"pfmerge":                 "7.0 says that a source is necessary, and it is not",
	"psubscribe":              "7.0 has a block of one around the pattern",
	"xinfo|stream":            "7.0 has FULL announce a block that is COUNT",
	"xtrim":                   "7.0 has a block around everything behind the key",
	"zrank":                   "WITHSCORE, of 7.2",
	"zrevrank":                "likewise",
}

// COMMAND DOCS tells of each command what Redis tells: the same fields, group and version, and arguments of the same kinds,
// tokens and flags, nested in the same way, and the same versions that brought something. Names and prose are holdfast's own.
func TestCommandDocs(t *testing.T) {
	a, b := bothServers(t)
	must(t, a, "HELLO", "3")
	must(t, b, "HELLO", "3")
	ours, theirs := docsOf(must(t, a, "COMMAND", "DOCS")), docsOf(must(t, b, "COMMAND", "DOCS"))
	for name, mine := range ours {
		for _, field := range []string{"summary", "since", "group", "complexity"} {
			if mine[field].Text == "" && !(field == "since" && isOwn(name)) {
				t.Errorf("%s has no %s", name, field)
			}
		}
		his, ok := theirs[name]
		if !ok {
			continue
		}
		for _, field := range []string{"since", "group", "deprecated_since", "doc_flags"} {
			if got, want := string(mine[field].Raw), string(his[field].Raw); got != want {
				t.Errorf("%s, %s: %q, and in Redis %q", name, field, got, want)
			}
		}
		if got, want := historyOf(mine["history"]), historyOf(his["history"]); got != want {
			t.Errorf("%s has changed with %s, and in Redis with %s", name, got, want)
		}
		got, want := argumentShapes(mine["arguments"]), argumentShapes(his["arguments"])
		if _, other := otherArguments[name]; (got != want) != other {
			t.Errorf("%s: mend the syntax in its row, or docType in commands/docs.go, or otherArguments here\n holdfast  %s\n redis     %s",
				name, got, want)
		}
	}
}

// docsOf is a reply of COMMAND DOCS by command, subcommands included, and by field.
func docsOf(r Reply) map[string]map[string]Reply {
	all := map[string]map[string]Reply{}
	for i := 0; i < len(r.Elems); i += 2 {
		doc := fieldsOf(r.Elems[i+1])
		all[r.Elems[i].Text] = doc
		for name, sub := range docsOf(doc["subcommands"]) {
			all[name] = sub
		}
	}
	return all
}

// historyOf is the kind of a history, and its versions.
func historyOf(r Reply) string {
	s := string(r.Kind)
	for _, e := range r.Elems {
		s += fmt.Sprintf(" %c%s/%d", e.Kind, e.Elems[0].Text, len(e.Elems))
	}
	return s
}

func fieldsOf(r Reply) map[string]Reply {
	fields := map[string]Reply{}
	for i := 0; i+1 < len(r.Elems); i += 2 {
		fields[r.Elems[i].Text] = r.Elems[i+1]
	}
	return fields
}

// argumentShapes writes arguments on a line, without their names and versions.
func argumentShapes(r Reply) string {
	var all []string
	for _, e := range r.Elems {
		f := fieldsOf(e)
		var flags []string
		for _, flag := range f["flags"].Elems {
			flags = append(flags, flag.Text)
		}
		slices.Sort(flags)
		text := f["type"].Text
		if token, ok := f["token"]; ok {
			text += fmt.Sprintf(" %q", token.Text)
		}
		if spec, ok := f["key_spec_index"]; ok {
			text += " " + spec.Text
		}
		if len(flags) > 0 {
			text += fmt.Sprint(" ", flags)
		}
		if parts, ok := f["arguments"]; ok {
			text += " " + argumentShapes(parts)
		}
		all = append(all, text)
	}
	return "(" + strings.Join(all, ", ") + ")"
}
