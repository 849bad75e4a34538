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

// otherArguments are the commands of whose arguments COMMAND DOCS tells one thing otherwise than 7.0: what it tells, what 7.0
// tells there, and why.
var otherArguments = map[string]struct{ ours, theirs, why string }{
	"bitop": {`operation oneof (and pure-token "AND", or pure-token "OR", xor pure-token "XOR", not pure-token "NOT")`,
		"operation string", "7.2 lists the four too"},
	"client|list": {`client-id integer "ID" since 6.2.0 [multiple optional]`,
		`id block "ID" since 6.2.0 [optional] (client-id integer [multiple])`, "7.2 has no block of one either"},
	"command|getkeys":         {"(command string, arg string [multiple optional])", "()", "7.2 tells them too"},
	"command|getkeysandflags": {"(command string, arg string [multiple optional])", "()", "likewise"},
	"config|get":              {"parameter string [multiple]", "parameter block [multiple] (parameter string)", "a block of one"},
	"geohash":                 {"member string [multiple optional]", "member string [multiple]", "none is needed; 7.2 says so too"},
	"geopos":                  {"member string [multiple optional]", "member string [multiple]", "likewise"},
	"hscan":                   {`, novalues pure-token "NOVALUES" since 7.4.0 [optional]`, "", "7.4 has it"},
	"module|loadex":           {`arg string "ARGS" [multiple optional]`, `args block "ARGS" [multiple optional] (arg string)`, "a block of one"},
	"pfdebug": {`oneof (getreg pure-token "GETREG", decode pure-token "DECODE", encoding pure-token "ENCODING", todense pure-token "TODENSE")`,
		"string", "there are no others"},
	"pfmerge":    {"sourcekey key 1 [multiple optional]", "sourcekey key 1 [multiple]", "none is needed; 7.2 says so too"},
	"psubscribe": {"pattern pattern [multiple]", "pattern block [multiple] (pattern pattern)", "a block of one, which 7.2 has not either"},
	"xinfo|stream": {`full-block block [optional] (full pure-token "FULL", count integer "COUNT" [optional])`,
		`full block "FULL" [optional] (count integer "COUNT" [optional])`, "7.2 tells it so too"},
	"zrank":    {`, withscore pure-token "WITHSCORE" since 7.2.0 [optional]`, "", "7.2 has it"},
	"zrevrank": {`, withscore pure-token "WITHSCORE" since 7.2.0 [optional]`, "", "likewise"},
}

// COMMAND DOCS tells of each command what Redis tells: the same fields, group and versions, and the same arguments, in all that
// is told of them. The texts are holdfast's own.
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
		if mine["replaced_by"].Kind != his["replaced_by"].Kind {
			t.Errorf("%s is replaced by %q, and in Redis by %q", name, mine["replaced_by"].Text, his["replaced_by"].Text)
		}
		if got, want := historyOf(mine["history"]), historyOf(his["history"]); got != want {
			t.Errorf("%s has changed with %s, and in Redis with %s", name, got, want)
		}
		compareArguments(t, name, argumentLine(mine["arguments"]), argumentLine(his["arguments"]))
	}
	for name := range theirs {
		if ours[name] == nil && !slices.Contains(absent(t), name) {
			t.Errorf("COMMAND DOCS does not tell of %s", name)
		}
	}
	for name := range otherArguments {
		if ours[name] == nil || theirs[name] == nil {
			t.Errorf("otherArguments: both servers have to have %s", name)
		}
	}
}

func compareArguments(t *testing.T, name, got, want string) {
	t.Helper()
	if other, ok := otherArguments[name]; ok {
		if !strings.Contains(got, other.ours) {
			t.Errorf("%s: %s is not there, because of which it is in otherArguments (%s)\n holdfast  %s", name, other.ours, other.why, got)
		}
		got = strings.Replace(got, other.ours, other.theirs, 1)
	}
	if got != want {
		t.Errorf("%s: mend its row's syntax, argumentdocs.go, or docType in docs.go, all in commands\n holdfast  %s\n redis     %s",
			name, got, want)
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

// argumentLine writes arguments on a line, with all that is told of them.
func argumentLine(r Reply) string {
	var all []string
	for _, e := range r.Elems {
		var words []string
		for i := 0; i+1 < len(e.Elems); i += 2 {
			words = append(words, argumentField(e.Elems[i].Text, e.Elems[i+1]))
		}
		all = append(all, strings.Join(words, " "))
	}
	return "(" + strings.Join(all, ", ") + ")"
}

func argumentField(field string, value Reply) string {
	switch field {
	case "name", "type", "key_spec_index":
		return value.Text
	case "token":
		return fmt.Sprintf("%q", value.Text)
	case "flags":
		var flags []string
		for _, flag := range value.Elems {
			flags = append(flags, flag.Text)
		}
		slices.Sort(flags)
		return fmt.Sprint(flags)
	case "arguments":
		return argumentLine(value)
	}
	return field + " " + value.Text
}
