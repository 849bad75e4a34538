package house

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// spans are the words between backticks.
var spans = regexp.MustCompile("`([^`\n]+)`")

func spansOf(text string) (names []string) {
	for _, m := range spans.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

func readDoc(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// docs are README.md and the files of docs/, by their paths.
func docs(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	names := []string{"README.md"}
	for _, path := range paths {
		names = append(names, "docs/"+filepath.Base(path))
	}
	return names
}

// The tables in docs/architecture.md have each package in one row. Where the last cell is a list of names, it names just what the
// package imports.
func TestArchitectureHasEachPackage(t *testing.T) {
	const path = "docs/architecture.md"
	rows, lists := map[string]int{}, map[string]string{}
	for i, line := range strings.Split(readDoc(t, path), "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 3 || !strings.HasPrefix(cells[0], "`") {
			continue
		}
		for _, name := range spansOf(cells[0]) {
			if rows[name] != 0 {
				t.Errorf("%s:%d: a second row for %s", path, i+1, name)
			}
			rows[name], lists[name] = i+1, cells[2]
		}
	}
	known := map[string]bool{}
	for _, p := range ours(t) {
		name, imports := p.name(), importsOf(p)
		known[name] = true
		if rows[name] == 0 {
			t.Errorf("%s has no row for %s", path, name)
			continue
		}
		if list := lists[name]; list == "–" || strings.HasPrefix(list, "`") {
			said := spansOf(list)
			slices.Sort(said)
			if !slices.Equal(said, imports) {
				t.Errorf("%s:%d: %s imports %q, and not %q", path, rows[name], name, imports, said)
			}
		}
	}
	for name, row := range rows {
		if !known[name] {
			t.Errorf("%s:%d: there is no package %s", path, row, name)
		}
	}
}

// importsOf is what the package imports of ours, tests apart, sorted.
func importsOf(p pkg) (names []string) {
	for _, path := range p.Imports {
		if name, isOurs := strings.CutPrefix(path, module+"/"); isOurs {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// docs/decisions.md says why of each library in go.mod, in its version.
func TestDecisionsHaveEachLibrary(t *testing.T) {
	decisions := readDoc(t, "docs/decisions.md")
	required := regexp.MustCompile(`(?m)^\t(\S+) v(\S+)$`).FindAllStringSubmatch(readDoc(t, "go.mod"), -1)
	if len(required) == 0 {
		t.Fatal("go.mod requires nothing")
	}
	for _, m := range required {
		if row := "| " + m[1] + " " + m[2] + " ("; !strings.Contains(decisions, row) {
			t.Errorf("docs/decisions.md has no row that begins with %q", row)
		}
	}
}

// README leads to every document, and the documents name only files and tests that are there.
func TestDocumentsLeadSomewhere(t *testing.T) {
	tests := map[string]bool{}
	eachFile(t, func(path string, file *ast.File, _ *token.FileSet) {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && isTest(path) {
				tests[f.Name.Name] = true
			}
		}
	})
	source := regexp.MustCompile(`^[a-z0-9/]+/[a-z0-9]+\.(go|md)$`)
	readme := readDoc(t, "README.md")
	for _, doc := range docs(t) {
		if doc != "README.md" && !strings.Contains(readme, doc) {
			t.Errorf("README.md does not lead to %s", doc)
		}
		for _, name := range spansOf(readDoc(t, doc)) {
			if strings.HasPrefix(name, "Test") && !strings.Contains(name, " ") && !tests[name] {
				t.Errorf("%s: there is no test %s", doc, name)
			}
			if _, err := os.Stat(filepath.Join(root, name)); source.MatchString(name) && err != nil {
				t.Errorf("%s: %v", doc, err)
			}
		}
	}
}

// README names the clients and frameworks in the versions that are tested; those of other languages are the distribution's.
func TestReadmeHasTheVersionsTested(t *testing.T) {
	const (
		goLine   = `(?m)^\t\S*?([^/\s]+)(?:/v\d+)? v(\S+)$`
		nodeLine = `"(ioredis|redis|bullmq|@socket.io/redis-adapter|connect-redis|rate-limiter-flexible|redlock)": "([^"]+)"`
	)
	table := readDoc(t, "README.md")
	for path, line := range map[string]string{"integration/frameworks/go/go.mod": goLine, "integration/frameworks/node/package.json": nodeLine} {
		found := regexp.MustCompile(line).FindAllStringSubmatch(readDoc(t, path), -1)
		if len(found) == 0 {
			t.Errorf("%s names nothing", path)
		}
		for _, m := range found {
			said := regexp.MustCompile(regexp.QuoteMeta(m[1]) + `( \([a-z-]+\))? ` + regexp.QuoteMeta(m[2]))
			if !said.MatchString(table) {
				t.Errorf("README.md does not say %s %s, which %s has", m[1], m[2], path)
			}
		}
	}
}
