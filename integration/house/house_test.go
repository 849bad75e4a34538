// Package house checks the rules of the house: who may import whom, and what no file may hold. A rule that
// matters is a test.
package house

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "holdfast"
)

// mayImport lists what each package may know of ours, directly; docs/architecture.md has it as tables. "*" is
// everything below the two that see the program from outside. A new package finds its place here first.
var mayImport = map[string][]string{
	"resp":          {},
	"glob":          {},
	"pubsub":        {"glob"},
	"tracking":      {},
	"outline":       {},
	"acl":           {"config", "glob", "resp"},
	"lists":         {"outline"},
	"zsets":         {"dict", "outline"},
	"packed":        {},
	"sets":          {"dict", "packed", "outline"},
	"dict":          {"packed", "outline"},
	"streams":       {"outline"},
	"hashes":        {"dict", "expiry", "outline"},
	"hll":           {},
	"geo":           {},
	"lua":           {"resp"},
	"expiry":        {},
	"client":        {"resp"},
	"internal/vfs":  {},
	"internal/nice": {},
	"internal/proc": {},
	"load":          {"resp", "internal/proc", "internal/plural"},
	"config":        {"glob"},
	"kv":            {"expiry", "outline"},
	"aof":           {"internal/vfs", "internal/nice", "internal/histogram"},
	"snapshot":      {"internal/vfs", "internal/nice"},
	"rdb":           {"kv", "lists", "sets", "zsets", "hashes", "streams", "dict", "outline"},
	"migrate":       {"resp"},
	"commands":      {"acl", "rdb", "lua", "migrate", "kv", "outline", "lists", "sets", "dict", "streams", "zsets", "hashes", "hll", "geo", "expiry", "resp", "glob", "config", "internal/histogram", "pubsub", "tracking"},
	"engine":        {"acl", "commands", "pubsub", "kv", "lists", "expiry", "resp", "glob", "config", "aof", "snapshot", "internal/vfs", "internal/nice", "internal/plural", "internal/proc"},
	"bench":         {"bench/rig", "internal/proc", "load"},
	"bench/rig":     {},
	"bench/inspect": {"bench/rig"},
	"bench/scale":   {"bench/rig", "internal/proc"},
	"bench/tails":   {"bench/rig", "internal/proc", "load"},
	"history":       {"aof", "engine", "internal/vfs", "snapshot"},
	"restore":       {"history", "history/historytest", "engine", "config", "glob", "aof", "snapshot", "internal/plural", "internal/vfs"},
	"repair":        {"history", "history/historytest", "engine", "commands", "kv", "config", "aof", "snapshot", "internal/plural", "internal/vfs"},

	"history/historytest": {"engine", "commands", "kv", "expiry", "config", "resp", "snapshot", "internal/vfs"},

	"lab/trace":    {},
	"lab/disk":     {"lab/trace"},
	"lab/recorder": {"lab/trace", "lab/subject"}, // subject in tests
	"lab/subject":  {"resp"},
	"lab/workload": {"resp"},

	"lab/traffic": {"lab/subject", "lab/trace", "lab/workload", "resp"},
	"lab/fault":   {"lab/disk", "lab/recorder", "lab/subject", "lab/trace", "lab/traffic", "lab/workload", "resp"},
	"lab": {"lab/disk", "lab/fault", "lab/play", "lab/recorder", "lab/report", "lab/subject", "lab/trace", "lab/traffic",
		"lab/workload", "resp"},

	"lab/report": {"lab/disk", "lab/fault", "lab/play", "lab/trace", "lab/workload"},

	"lab/play": {"lab/disk", "lab/subject", "lab/trace", "lab/traffic", "lab/workload", "resp"},

	"internal/histogram": {},
	"internal/notify":    {},
	"internal/plural":    {},

	"metrics": {"engine", "commands", "config", "resp", "internal/histogram", "internal/vfs"}, // config, resp, vfs in tests

	"intake":       {"inspect", "restore", "engine", "commands", "config", "rdb", "kv", "outline", "aof", "snapshot", "client", "resp", "internal/plural", "internal/vfs"},
	"inspect":      {"engine", "commands", "rdb", "kv", "outline", "history", "lists", "hashes", "streams", "zsets", "hll", "expiry", "aof", "snapshot", "client", "resp", "glob", "internal/plural", "internal/vfs"},
	"server":       {"acl", "engine", "commands", "resp", "config", "internal/nice", "internal/vfs"}, // vfs in tests
	"cmd/holdfast": {"*"},
	"integration":  {},

	"integration/house":      {},
	"integration/frameworks": {"integration"},
	// The engine is its subject in process; the rest of the lab sees a server from outside.
	"integration/crash": {"integration", "engine", "commands", "config", "resp", "internal/vfs",
		"lab/play", "lab/recorder", "lab/subject", "lab/trace", "lab/traffic", "lab/workload", "lab/disk"},
}

// importers names the one package that may import a third-party library.
var importers = map[string]string{
	"github.com/tidwall/redcon":         "resp",
	"github.com/tidwall/btree":          "expiry",
	"github.com/dchest/siphash":         "dict",
	"github.com/ergochat/readline":      "client",
	"go.etcd.io/bbolt":                  "snapshot",
	"github.com/urfave/cli/v2":          "cmd/holdfast",
	"github.com/schollz/":               "cmd/holdfast",
	"github.com/panjf2000/gnet/":        "server",
	"github.com/anishathalye/porcupine": "lab/workload",
	"github.com/hanwen/go-fuse/":        "lab/recorder",
	"github.com/HdrHistogram/":          "load",
	"github.com/prometheus/":            "metrics",
	"github.com/yuin/gopher-lua":        "lua",
}

// shared third-party libraries may be imported by anybody: they are the standard library's annex.
var shared = []string{"golang.org/x/sys/", "golang.org/x/term"}

// linesMax is the most lines a file that is not a test may have.
const linesMax = 700

type pkg struct {
	ImportPath, Dir                    string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
	Module                             *struct{ Path string }
	Error                              *struct{ Err string }
}

// name is the import path below the module.
func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// ours lists the packages of this module.
func ours(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Error != nil {
			t.Fatalf("%s: %s", p.ImportPath, p.Error.Err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) == 0 {
		t.Fatal("no packages")
	}
	return pkgs
}

// A package imports only downward.
func TestPackagesImportOnlyDownward(t *testing.T) {
	for _, p := range ours(t) {
		allowed, known := mayImport[p.name()]
		if !known {
			t.Errorf("%s has no place in the house: say in mayImport what it may know", p.name())
			continue
		}
		for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			below, isOurs := strings.CutPrefix(path, module+"/")
			if isOurs && below != p.name() && !slices.Contains(allowed, below) && !slices.Contains(allowed, "*") {
				t.Errorf("%s imports %s: not downward", p.name(), below)
			}
		}
	}
}

// mayImport itself has no circle, so "downward" means something.
func TestLayersAreLayers(t *testing.T) {
	var visit func(name string, above []string)
	visit = func(name string, above []string) {
		if slices.Contains(above, name) {
			t.Fatalf("a circle: %v", append(above, name))
		}
		for _, below := range mayImport[name] {
			visit(below, append(above, name))
		}
	}
	for name := range mayImport {
		visit(name, nil)
	}
}

// Each third-party library has its one importer.
func TestLibrariesHaveOneImporter(t *testing.T) {
	for _, p := range ours(t) {
		for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			host, _, _ := strings.Cut(path, "/")
			if !strings.Contains(host, ".") || slices.ContainsFunc(shared, func(s string) bool { return strings.HasPrefix(path, s) }) {
				continue
			}
			if importer := importerOf(path); importer != p.name() {
				t.Errorf("%s imports %s, which is for %s", p.name(), path, importer)
			}
		}
	}
}

func importerOf(path string) string {
	for library, importer := range importers {
		if strings.HasPrefix(path, library) {
			return importer
		}
	}
	return "nobody"
}

// eachFile parses every Go file of the module.
func eachFile(t *testing.T, do func(path string, file *ast.File, fset *token.FileSet)) {
	t.Helper()
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		do(path, file, fset)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func isTest(path string) bool { return strings.HasSuffix(path, "_test.go") }

func TestNoInitFunctions(t *testing.T) {
	eachFile(t, func(path string, file *ast.File, _ *token.FileSet) {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function", path)
			}
		}
	})
}

func TestFilesAreShort(t *testing.T) {
	eachFile(t, func(path string, file *ast.File, fset *token.FileSet) {
		if lines := fset.File(file.Pos()).LineCount(); lines > linesMax && !isTest(path) {
			t.Errorf("%s has %d lines, more than %d", path, lines, linesMax)
		}
	})
}

// The error of a file's Sync or Close says whether data is on disk: it is never dropped. Sockets may be closed
// without a look; they live in server, client, migrate, bench and integration.
func TestNoErrorOfAFileIsDropped(t *testing.T) {
	eachFile(t, func(path string, file *ast.File, fset *token.FileSet) {
		if isTest(path) {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if method := droppedCall(n); method == "Sync" || method == "Close" && !closesSockets(path) {
				t.Errorf("%s: the error of %s is dropped", fset.Position(n.Pos()), method)
			}
			return true
		})
	})
}

func closesSockets(path string) bool {
	dir, _, _ := strings.Cut(strings.TrimPrefix(filepath.ToSlash(path), root+"/"), "/")
	return slices.Contains([]string{"server", "client", "migrate", "integration", "bench"}, dir)
}

// droppedCall is the name of the method whose result the statement `_ = x.M()` throws away; "" for other nodes.
func droppedCall(n ast.Node) string {
	assign, ok := n.(*ast.AssignStmt)
	if !ok || len(assign.Rhs) != 1 {
		return ""
	}
	for _, left := range assign.Lhs {
		if name, ok := left.(*ast.Ident); !ok || name.Name != "_" {
			return ""
		}
	}
	call, ok := assign.Rhs[0].(*ast.CallExpr)
	if !ok {
		return ""
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	return method.Sel.Name
}
