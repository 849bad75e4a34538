package commands

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"

	"holdfast/glob"
	"holdfast/lua"
	"holdfast/rdb"
	"holdfast/resp"
)

func functionCommands() []*Command {
	const runs = NoScript | Stale | SkipMonitor | NoMandatoryKeys | MovableKeys | RunsScripts
	return []*Command{
		{
			Name: "fcall", Group: Scripting, Since: "7.0.0", Arity: -3, Flags: runs, Categories: CatScripting,
			Keys: CountedKeys(2, RW|Access|Update), Syntax: "function numkeys [key [key ...]] [arg [arg ...]]",
			Summary: "Calls a function.", Complexity: "That of the function",
			Run: fcallCommand,
		},
		{
			Name: "fcall_ro", Group: Scripting, Since: "7.0.0", Arity: -3, Flags: runs | ReadOnly, Categories: CatScripting,
			Keys: CountedKeys(2, RO|Access), Syntax: "function numkeys [key [key ...]] [arg [arg ...]]",
			Summary: "Calls a function that does not write.", Complexity: "That of the function",
			Run: fcallCommand,
		},
		{
			Name: "function", Group: Scripting, Since: "7.0.0", Arity: -2,
			Summary: "Commands about libraries of functions.", Complexity: "That of the subcommand",
			Subs: functionSubcommands(),
		},
	}
}

func functionSubcommands() []*Command {
	everywhere := []string{"request_policy:all_shards", "response_policy:all_succeeded"}
	return []*Command{
		{
			Name: "load", Since: "7.0.0", Arity: -3, Flags: Write | DenyOOM | NoScript | RunsScripts, Categories: CatScripting, Tips: everywhere,
			Syntax:  "[REPLACE] function-code",
			Summary: "Keeps a library of functions.", Complexity: "O(n) in the bytes of the code",
			Run: functionLoad,
		},
		{
			Name: "delete", Since: "7.0.0", Arity: 3, Flags: Write | NoScript, Categories: CatScripting, Tips: everywhere,
			Syntax:  "library-name",
			Summary: "Removes a library.", Complexity: "O(n) in its functions",
			Run: functionDelete,
		},
		{
			Name: "flush", Since: "7.0.0", Arity: -2, Flags: Write | NoScript, Categories: CatScripting, Tips: everywhere,
			Syntax:  "[ASYNC | SYNC]",
			Summary: "Removes all libraries.", Complexity: "O(n) in the functions",
			Run: functionFlush,
		},
		{
			Name: "list", Since: "7.0.0", Arity: -2, Flags: NoScript, Categories: CatScripting,
			Tips:    []string{"nondeterministic_output_order"},
			Syntax:  "[LIBRARYNAME library-name-pattern] [WITHCODE]",
			Summary: "Tells the libraries and their functions.", Complexity: "O(n) in the functions",
			Run: functionList,
		},
		{
			Name: "dump", Since: "7.0.0", Arity: 2, Flags: NoScript, Categories: CatScripting,
			Summary: "Replies all libraries in a form that RESTORE takes, here and in Redis.", Complexity: "O(n) in the bytes of the code",
			Run: functionDump,
		},
		{
			Name: "restore", Since: "7.0.0", Arity: -3, Flags: Write | DenyOOM | NoScript | RunsScripts, Categories: CatScripting, Tips: everywhere,
			Syntax:  "serialized-value [FLUSH | APPEND | REPLACE]",
			Summary: "Keeps the libraries that DUMP has replied.", Complexity: "O(n) in the bytes of the code",
			Run: functionRestore,
		},
		{
			Name: "stats", Since: "7.0.0", Arity: 2, Flags: NoScript | AllowBusy, Categories: CatScripting,
			Tips:    []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
			Summary: "Tells what runs, and how many libraries and functions there are.", Complexity: "O(1)",
			Run: functionStats,
		},
		{
			Name: "kill", Since: "7.0.0", Arity: 2, Flags: NoScript | AllowBusy, Categories: CatScripting,
			Tips:    []string{"request_policy:all_shards", "response_policy:one_succeeded"},
			Summary: "Ends the function that is running, unless it has written.", Complexity: "O(1)",
			Run: func(c *Call) { c.killScript(true) },
		},
		{
			Name: "help", Since: "7.0.0", Arity: 2, Flags: Loading | Stale, Categories: CatScripting,
			Summary: "Lists the subcommands.", Complexity: "O(1)",
			Run: containerHelp,
		},
	}
}

// functions are the loaded libraries. The zero value has none.
type functions struct {
	libraries map[string]*lua.Library
	byName    map[string]*lua.Function // in lower case
	machine   *lua.Machine             // in which they live; nil without any
}

// sorted are the libraries by name.
func (f *functions) sorted() []*lua.Library {
	return slices.SortedFunc(maps.Values(f.libraries), func(a, b *lua.Library) int { return cmp.Compare(a.Name, b.Name) })
}

// clash is the name of a function of a library that another one has, which is not about to be replaced.
func (f *functions) clash(lib *lua.Library, replaced map[string]bool) (name string, found bool) {
	for _, function := range lib.Functions {
		if other := f.byName[strings.ToLower(function.Name)]; other != nil && !replaced[other.Library.Name] {
			return function.Name, true
		}
	}
	return "", false
}

func (f *functions) add(lib *lua.Library) {
	if f.libraries == nil {
		f.libraries, f.byName = map[string]*lua.Library{}, map[string]*lua.Function{}
	}
	f.libraries[lib.Name] = lib
	for _, function := range lib.Functions {
		f.byName[strings.ToLower(function.Name)] = function
	}
}

func (f *functions) remove(name string) {
	for _, function := range f.libraries[name].Functions {
		delete(f.byName, strings.ToLower(function.Name))
	}
	delete(f.libraries, name)
}

// dump is what FUNCTION DUMP replies.
func (f *functions) dump() []byte {
	var codes [][]byte
	for _, lib := range f.sorted() {
		codes = append(codes, lib.Code)
	}
	return rdb.EncodeFunctions(codes)
}

// DumpFunctions is all libraries as FUNCTION DUMP replies them; nil where there are none.
func (w *World) DumpFunctions() []byte {
	if len(w.Scripts.functions.libraries) == 0 {
		return nil
	}
	return w.Scripts.functions.dump()
}

// LoadFunctions makes the libraries those of a dump, or none for nil.
func (w *World) LoadFunctions(dump []byte) error {
	w.Scripts.functions = functions{}
	if dump == nil {
		return nil
	}
	c := &Call{World: w, Client: &Client{Authenticated: true, DenyBlocking: true, Proto: 2}, Reply: &resp.Writer{}, Replaying: true}
	libs, err := c.readLibraries(dump)
	for _, lib := range libs {
		w.Scripts.functions.add(lib)
	}
	return err
}

// load runs a library's code, which registers its functions.
func (c *Call) load(code []byte) (*lua.Library, error) {
	f := &c.Scripts.functions
	if f.machine == nil {
		f.machine = c.newMachine(true)
	}
	host := c.beginScript("", true, true, 0)
	c.Scripts.running.loading = 1
	defer c.endScript()
	return f.machine.Load(code, host)
}

// crowded reports whether libraries, and those there are beside them but for some that are about to go, keep more than scripts
// may take before any of them is called.
func (c *Call) crowded(libs []*lua.Library, going map[string]bool) bool {
	limit, total := c.directives().scriptMemory.Load(), int64(0)
	for _, lib := range libs {
		total += lib.Loaded()
	}
	for name, lib := range c.Scripts.functions.libraries {
		if !going[name] {
			total += lib.Loaded()
		}
	}
	return limit > 0 && total > limit && !c.Replaying
}

// boundFunctions makes libraries forget what they keep from call to call, where it is too much.
func (c *Call) boundFunctions() {
	f := &c.Scripts.functions
	for _, lib := range f.machine.Bound(f.libraries) {
		if c.World.ScriptLog != nil {
			c.World.ScriptLog(int(lua.Warning), "the library '"+lib.Name+"' kept more than script-memory-limit allows, and begins anew")
		}
	}
}

// reloadLibrary loads a library again that has forgotten what it kept.
func (c *Call) reloadLibrary(lib *lua.Library) error {
	host := c.beginScript("", true, true, 0)
	c.Scripts.running.loading = 1
	defer c.endScript()
	return c.Scripts.functions.machine.Reload(lib, host)
}

// functionsChanged says that the libraries have changed: it makes the call logged. Whoever sees anything from now on may see
// what a function does, so that replies wait for that record.
func (c *Call) functionsChanged() { c.ChangedDB(c.Client.DB) }

// FCALL function numkeys [key [key ...]] [arg [arg ...]]
//
// FCALL_RO is the same.
func fcallCommand(c *Call) {
	f := c.Scripts.functions.byName[strings.ToLower(string(c.Args[1]))]
	if f == nil {
		c.Reply.Error(resp.ErrNoFunction)
		return
	}
	keys, args, ok := c.scriptArguments(resp.ErrFunctionKeys)
	if !ok {
		return
	}
	readonly := c.Cmd.Flags&ReadOnly != 0
	if !c.mayRun(f.Flags, readonly) {
		return
	}
	c.boundFunctions()
	if f.Forgotten() {
		if err := c.reloadLibrary(f.Library); err != nil {
			c.Reply.Error(err.Error())
			return
		}
	}
	host := c.beginScript(f.Name, true, readonly, f.Flags)
	defer c.endScript()
	err := c.Scripts.functions.machine.RunFunction(f, keys, args, host, c.Reply)
	c.ErrorCounted = c.Scripts.functions.machine.ErrorCounted()
	if err != nil {
		c.scriptFailed(f.Name, err)
	}
}

// FUNCTION LOAD [REPLACE] function-code
func functionLoad(c *Call) {
	replace := false
	code := c.Args[len(c.Args)-1]
	for i := 2; i < len(c.Args)-1; i++ {
		if !c.is(i, "REPLACE") {
			c.Reply.Error(resp.ErrUnknownOptionGiven(c.Args[i]))
			return
		}
		replace = true
	}
	lib, err := c.load(code)
	if err != nil {
		c.Reply.Error(err.Error())
		return
	}
	f := &c.Scripts.functions
	_, exists := f.libraries[lib.Name]
	if exists && !replace {
		c.Reply.Error(resp.ErrLibraryExists("'" + lib.Name + "'"))
		return
	}
	if name, clashes := f.clash(lib, map[string]bool{lib.Name: true}); clashes {
		c.Reply.Error(resp.ErrFunctionExists(name))
		return
	}
	if c.crowded([]*lua.Library{lib}, map[string]bool{lib.Name: true}) {
		c.Reply.Error(resp.ErrFunctionMemory)
		return
	}
	if exists {
		f.remove(lib.Name)
	}
	f.add(lib)
	c.functionsChanged()
	c.Effect(word("FUNCTION"), word("LOAD"), word("REPLACE"), code)
	c.Reply.BulkString(lib.Name)
}

// FUNCTION DELETE library-name
func functionDelete(c *Call) {
	f, name := &c.Scripts.functions, string(c.Args[2])
	if f.libraries[name] == nil {
		c.Reply.Error(resp.ErrNoLibrary)
		return
	}
	f.remove(name)
	c.functionsChanged()
	c.Reply.OK()
}

// FUNCTION FLUSH [ASYNC | SYNC]
func functionFlush(c *Call) {
	switch {
	case len(c.Args) > 3:
		c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], c.Cmd.Parent.Name))
		return
	case len(c.Args) == 3 && !c.is(2, "ASYNC") && !c.is(2, "SYNC"):
		c.Reply.Error(resp.ErrFunctionFlush)
		return
	}
	if len(c.Scripts.functions.libraries) > 0 {
		c.functionsChanged()
	}
	c.Scripts.functions = functions{}
	c.Reply.OK()
}

// FUNCTION LIST [LIBRARYNAME library-name-pattern] [WITHCODE]
func functionList(c *Call) {
	var pattern []byte
	withCode := false
	for i := 2; i < len(c.Args); i++ {
		switch {
		case !withCode && c.is(i, "WITHCODE"):
			withCode = true
		case pattern == nil && c.is(i, "LIBRARYNAME"):
			if i++; i == len(c.Args) {
				c.Reply.Error(resp.ErrNoLibraryName)
				return
			}
			pattern = c.Args[i]
		default:
			c.Reply.Error(resp.ErrUnknownListArgument(c.Args[i]))
			return
		}
	}
	mark, n := c.Reply.ArrayLater(), 0
	for _, lib := range c.Scripts.functions.sorted() {
		if pattern == nil || glob.MatchFold(pattern, []byte(lib.Name)) {
			writeLibrary(c.Reply, lib, withCode)
			n++
		}
	}
	c.Reply.ArrayEnd(mark, n)
}

func writeLibrary(w *resp.Writer, lib *lua.Library, withCode bool) {
	fields := 3
	if withCode {
		fields++
	}
	w.Map(fields)
	w.BulkString("library_name")
	w.BulkString(lib.Name)
	w.BulkString("engine")
	w.BulkString("LUA")
	w.BulkString("functions")
	w.Array(len(lib.Functions))
	for _, f := range lib.Functions {
		w.Map(3)
		w.BulkString("name")
		w.BulkString(f.Name)
		w.BulkString("description")
		if f.Described {
			w.BulkString(f.Description)
		} else {
			w.Null()
		}
		w.BulkString("flags")
		names := f.Flags.Names()
		w.Set(len(names))
		for _, name := range names {
			w.Status(name)
		}
	}
	if withCode {
		w.BulkString("library_code")
		w.Bulk(lib.Code)
	}
}

// FUNCTION DUMP
func functionDump(c *Call) { c.Reply.Bulk(c.Scripts.functions.dump()) }

// FUNCTION RESTORE serialized-value [FLUSH | APPEND | REPLACE]
func functionRestore(c *Call) {
	flush, replace := false, false
	switch {
	case len(c.Args) > 4:
		c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], c.Cmd.Parent.Name))
		return
	case len(c.Args) == 3 || c.is(3, "APPEND"):
	case c.is(3, "REPLACE"):
		replace = true
	case c.is(3, "FLUSH"):
		flush = true
	default:
		c.Reply.Error(resp.ErrFunctionPolicy)
		return
	}
	libs, err := c.readLibraries(c.Args[2])
	if err != nil {
		c.Reply.Error(err.Error())
		return
	}
	before := c.Scripts.functions
	if flush {
		c.Scripts.functions = functions{machine: before.machine}
	}
	if refusal := c.joinLibraries(libs, replace); refusal != "" {
		c.Scripts.functions = before
		c.Reply.Error(refusal)
		return
	}
	c.functionsChanged()
	c.Reply.OK()
}

// readLibraries loads the libraries of a dump, and gives none of them to anybody yet. The error's text is the reply.
func (c *Call) readLibraries(dump []byte) ([]*lua.Library, error) {
	most := c.directives().stringMax.Load()
	if c.Replaying { // what is in the base or in the log fits, as it once did
		most = math.MaxInt64
	}
	codes, err := rdb.DecodeFunctions(dump, most)
	switch {
	case errors.Is(err, rdb.ErrChecksum):
		return nil, resp.Error(resp.ErrRestorePayload)
	case errors.Is(err, rdb.ErrNotFunction):
		return nil, resp.Error(resp.ErrNotFunctions)
	case err != nil:
		return nil, resp.Error(resp.ErrFunctionPayload)
	}
	var libs []*lua.Library
	var among functions
	for _, code := range codes {
		lib, err := c.load(code)
		if err != nil {
			return nil, err
		}
		if among.libraries[lib.Name] != nil {
			return nil, resp.Error(resp.ErrLibraryExists("'" + lib.Name + "'"))
		}
		if name, clashes := among.clash(lib, nil); clashes {
			return nil, resp.Error(resp.ErrFunctionExists(name))
		}
		among.add(lib)
		libs = append(libs, lib)
	}
	return libs, nil
}

// joinLibraries adds libraries to those there are, all or none.
func (c *Call) joinLibraries(libs []*lua.Library, replace bool) (refusal string) {
	f := &c.Scripts.functions
	replaced := map[string]bool{}
	for _, lib := range libs {
		if f.libraries[lib.Name] == nil {
			continue
		}
		if !replace {
			return resp.ErrLibraryExists(lib.Name)
		}
		replaced[lib.Name] = true
	}
	for _, lib := range libs {
		if name, clashes := f.clash(lib, replaced); clashes {
			return resp.ErrFunctionExists(name)
		}
	}
	if c.crowded(libs, replaced) {
		return resp.ErrFunctionMemory
	}
	for name := range replaced {
		f.remove(name)
	}
	for _, lib := range libs {
		f.add(lib)
	}
	return ""
}

// FUNCTION STATS
func functionStats(c *Call) {
	if r := c.Scripts.running; r != nil && !r.function {
		c.Reply.Error(c.Scripts.Busy())
		return
	}
	w := c.Reply
	w.Map(2)
	w.BulkString("running_script")
	if r := c.Scripts.running; r != nil {
		w.Map(3)
		w.BulkString("name")
		w.BulkString(r.name)
		w.BulkString("command")
		w.Array(len(r.command))
		for _, arg := range r.command {
			w.Bulk(arg)
		}
		w.BulkString("duration_ms")
		w.Int(c.Now - r.began)
	} else {
		w.Null()
	}
	w.BulkString("engines")
	w.Map(1)
	w.BulkString("LUA")
	w.Map(2)
	w.BulkString("libraries_count")
	w.Int(int64(len(c.Scripts.functions.libraries)))
	w.BulkString("functions_count")
	w.Int(int64(len(c.Scripts.functions.byName)))
}
