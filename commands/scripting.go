package commands

import (
	"errors"
	"strings"

	"holdfast/lua"
	"holdfast/resp"
)

func scriptCommands() []*Command {
	const runs = NoScript | Stale | SkipMonitor | NoMandatoryKeys | MovableKeys | RunsScripts
	return []*Command{
		{
			Name: "eval", Group: Scripting, Since: "2.6.0", Arity: -3, Flags: runs, Categories: CatScripting,
			Keys: CountedKeys(2, RW|Access|Update), Syntax: "script numkeys [key [key ...]] [arg [arg ...]]",
			Summary: "Runs a script.", Complexity: "That of the script",
			Run: evalCommand,
		},
		{
			Name: "evalsha", Group: Scripting, Since: "2.6.0", Arity: -3, Flags: runs, Categories: CatScripting,
			Keys: CountedKeys(2, RW|Access|Update), Syntax: "sha1 numkeys [key [key ...]] [arg [arg ...]]",
			Summary: "Runs a script that has been run or loaded before.", Complexity: "That of the script",
			Run: evalshaCommand,
		},
		{
			Name: "eval_ro", Group: Scripting, Since: "7.0.0", Arity: -3, Flags: runs | ReadOnly, Categories: CatScripting,
			Keys: CountedKeys(2, RO|Access), Syntax: "script numkeys [key [key ...]] [arg [arg ...]]",
			Summary: "Runs a script that must not write.", Complexity: "That of the script",
			Run: evalCommand,
		},
		{
			Name: "evalsha_ro", Group: Scripting, Since: "7.0.0", Arity: -3, Flags: runs | ReadOnly, Categories: CatScripting,
			Keys: CountedKeys(2, RO|Access), Syntax: "sha1 numkeys [key [key ...]] [arg [arg ...]]",
			Summary: "Runs a script, run or loaded before, that must not write.", Complexity: "That of the script",
			Run: evalshaCommand,
		},
		{
			Name: "script", Group: Scripting, Since: "2.6.0", Arity: -2,
			Summary: "Commands about the cache of scripts.", Complexity: "That of the subcommand",
			Subs: scriptSubcommands(),
		},
	}
}

func scriptSubcommands() []*Command {
	return []*Command{
		{
			Name: "load", Since: "2.6.0", Arity: 3, Flags: NoScript | Stale, Categories: CatScripting,
			Tips:    []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
			Syntax:  "script",
			Summary: "Keeps a script for EVALSHA, and replies its SHA-1.", Complexity: "O(n) in the script's bytes",
			Run: scriptLoad,
		},
		{
			Name: "exists", Since: "2.6.0", Arity: -3, Flags: NoScript, Categories: CatScripting,
			Tips:    []string{"request_policy:all_shards", "response_policy:agg_logical_and"},
			Syntax:  "sha1 [sha1 ...]",
			Summary: "Tells which scripts EVALSHA would find.", Complexity: "O(n) in the arguments",
			Run: scriptExists,
		},
		{
			Name: "flush", Since: "2.6.0", Arity: -2, Flags: NoScript, Categories: CatScripting,
			Tips:    []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
			Syntax:  "[ASYNC | SYNC]",
			Summary: "Forgets all scripts.", Complexity: "O(n) in the scripts",
			Run: scriptFlush,
		},
		{
			Name: "kill", Since: "2.6.0", Arity: 2, Flags: NoScript | AllowBusy, Categories: CatScripting,
			Tips:    []string{"request_policy:all_shards", "response_policy:one_succeeded"},
			Summary: "Ends the script that is running, unless it has written.", Complexity: "O(1)",
			Run: func(c *Call) { c.killScript(false) },
		},
		{
			Name: "debug", Since: "3.2.0", Arity: 3, Flags: NoScript, Categories: CatScripting,
			Syntax:  "<YES | SYNC | NO>",
			Summary: "Replies OK. There is no debugger.", Complexity: "O(1)",
			Run: scriptDebug,
		},
		{
			Name: "help", Since: "5.0.0", Arity: 2, Flags: Loading | Stale, Categories: CatScripting,
			Summary: "Lists the subcommands.", Complexity: "O(1)",
			Run: containerHelp,
		},
	}
}

// Scripts are the cached scripts, the functions, and the script that is running. It wants the engine's lock. The zero Scripts
// is empty.
type Scripts struct {
	cache     map[string]*lua.Script // by SHA-1
	cached    int                    // bytes of their texts
	machine   *lua.Machine           // for scripts; nil before the first
	functions functions
	running   *running // nil while no script runs
	room      running  // what running points to
	host      scriptHost
	ending    bool // no script is to go on
}

// running is a script under way, or a function.
type running struct {
	name     string // SHA-1, or the function's
	function bool
	command  [][]byte
	began    int64 // unix ms
	wrote    bool
	killed   bool
	loading  int // with FUNCTION LOAD: milliseconds so far, roughly, and one
}

// Killable tells of the script that is running, if any, whether it has not written yet.
func (s *Scripts) Killable() bool { return s.running == nil || !s.running.wrote }

// End ends the script that is running, between two of its instructions, and all that begin later. Whether what it wrote may
// stay is the caller's to see.
func (s *Scripts) End() { s.ending = true }

// Kill ends the script that is running, as SCRIPT KILL does, if it has not written.
func (s *Scripts) Kill() {
	if r := s.running; r != nil && !r.wrote {
		r.killed = true
	}
}

// Busy is the reply to a client that wants something else while a script runs over its time.
func (s *Scripts) Busy() string {
	if s.running != nil && s.running.function {
		return resp.ErrFunctionBusy
	}
	return resp.ErrScriptBusy
}

// scriptsKept is how many scripts are kept, and scriptBytesKept how many bytes of texts. One more makes the cache forget all of
// them, as SCRIPT FLUSH does: clients that send EVAL with ever new texts would fill the memory else.
const (
	scriptsKept     = 10_000
	scriptBytesKept = 64 << 20
)

// EVAL script numkeys [key [key ...]] [arg [arg ...]]
//
// EVAL_RO is the same.
func evalCommand(c *Call) {
	keys, args, ok := c.scriptArguments(resp.ErrNotInteger)
	if !ok {
		return
	}
	s, ok := c.script(c.Args[1])
	if ok {
		c.runScript(s, keys, args)
	}
}

// EVALSHA sha1 numkeys [key [key ...]] [arg [arg ...]]
//
// EVALSHA_RO is the same.
func evalshaCommand(c *Call) {
	var room [40]byte
	if len(c.Args[1]) != len(room) { // before the arguments are looked at, as in Redis
		c.Reply.Error(resp.ErrNoScript)
		return
	}
	keys, args, ok := c.scriptArguments(resp.ErrNotInteger)
	if !ok {
		return
	}
	s := c.Scripts.cache[string(fold(room[:0], c.Args[1]))]
	if s == nil {
		c.Reply.Error(resp.ErrNoScript)
		return
	}
	c.runScript(s, keys, args)
}

// scriptArguments are the keys and the arguments behind them. notInteger is the reply to a number of keys that is none.
func (c *Call) scriptArguments(notInteger string) (keys, args [][]byte, ok bool) {
	n, ok := ParseInt(c.Args[2])
	switch {
	case !ok:
		c.Reply.Error(notInteger)
	case n > int64(len(c.Args)-3):
		c.Reply.Error(resp.ErrNumKeysTooMany)
	case n < 0:
		c.Reply.Error(resp.ErrNumKeysNegative)
	default:
		return c.Args[3 : 3+n], c.Args[3+n:], true
	}
	return nil, nil, false
}

// script finds a script by its text, or compiles it.
func (c *Call) script(body []byte) (*lua.Script, bool) {
	if s := c.Scripts.cache[lua.SHA1(body)]; s != nil {
		return s, true
	}
	s, err := lua.Compile(body)
	if err != nil {
		if errors.Is(err, lua.ErrSyntax) {
			c.Reply.Error(resp.ErrScriptCompile(lua.SyntaxText(err)))
		} else {
			c.Reply.Error(resp.ErrScriptHead(err.Error()))
		}
		return nil, false
	}
	if c.Scripts.cache == nil || len(c.Scripts.cache) >= scriptsKept || c.Scripts.cached+len(body) > scriptBytesKept {
		c.Scripts.cache, c.Scripts.cached = map[string]*lua.Script{}, 0
	}
	c.Scripts.cache[s.SHA] = s
	c.Scripts.cached += len(body)
	return s, true
}

func (c *Call) runScript(s *lua.Script, keys, args [][]byte) {
	readonly := c.Cmd.Flags&ReadOnly != 0
	if !c.mayRun(s.Flags, readonly) {
		return
	}
	if c.Scripts.machine == nil {
		c.Scripts.machine = c.newMachine(false)
	}
	host := c.beginScript(s.SHA, false, readonly, s.Flags)
	defer c.endScript()
	err := c.Scripts.machine.Run(s, keys, args, host, c.Reply)
	c.ErrorCounted = c.Scripts.machine.ErrorCounted()
	if err != nil {
		c.scriptFailed(s.SHA, err)
	}
}

// mayRun checks what a script, or a function, says of itself against how it is called. One that does not write may run though
// memory is used up.
func (c *Call) mayRun(flags lua.Flags, readonly bool) bool {
	if flags&lua.Old != 0 {
		return true // nothing is known of it: its commands are checked
	}
	if flags&(lua.NoWrites|lua.AllowOOM) == 0 && c.refused(DenyOOM, nil, false) != "" {
		c.Reply.Error(resp.ErrOOM)
		return false
	}
	if flags&lua.NoWrites == 0 {
		if readonly {
			c.Reply.Error(resp.ErrScriptWrites)
			return false
		}
		if refusal := c.refused(Write|DenyOOM, nil, true); refusal != "" {
			c.Reply.Error(refusal)
			return false
		}
	}
	return true
}

// refused is the engine's word on a command, where there is an engine.
func (c *Call) refused(flags Flags, args [][]byte, allowOOM bool) string {
	if c.World.Refused == nil {
		return ""
	}
	return c.World.Refused(flags, args, allowOOM)
}

func (c *Call) newMachine(forFunctions bool) *lua.Machine {
	return lua.New(lua.Options{
		Version: redisVersion, Functions: forFunctions,
		Memory: c.directives().scriptMemory.Load, Held: c.World.Held, Beside: c.World.Beside,
	})
}

// beginScript notes which script runs, and returns its host.
func (c *Call) beginScript(name string, function, readonly bool, flags lua.Flags) *scriptHost {
	r := &c.Scripts.room
	*r = running{name: name, function: function, began: c.Now}
	if function {
		r.command = c.Args
	}
	c.Scripts.host.begin(c, readonly || flags&(lua.NoWrites|lua.Old) == lua.NoWrites, flags&lua.AllowOOM != 0)
	c.Scripts.running = r
	return &c.Scripts.host
}

func (c *Call) endScript() {
	c.Scripts.running = nil
	c.Scripts.host.reply.Reset() // what the last command replied may have been large
}

// scriptFailed replies with the error that a script did not catch.
func (c *Call) scriptFailed(name string, err *lua.Error) {
	c.Reply.Error(resp.ErrScript(err.Text, name, err.Source, err.Line))
}

// SCRIPT LOAD script
func scriptLoad(c *Call) {
	if s, ok := c.script(c.Args[2]); ok {
		c.Reply.BulkString(s.SHA)
	}
}

// SCRIPT EXISTS sha1 [sha1 ...]
func scriptExists(c *Call) {
	c.Reply.Array(len(c.Args) - 2)
	for _, sha := range c.Args[2:] {
		n := int64(0)
		if c.Scripts.cache[strings.ToLower(string(sha))] != nil {
			n = 1
		}
		c.Reply.Int(n)
	}
}

// SCRIPT FLUSH [ASYNC | SYNC]
func scriptFlush(c *Call) {
	if len(c.Args) > 3 || len(c.Args) == 3 && !c.is(2, "ASYNC") && !c.is(2, "SYNC") {
		c.Reply.Error(resp.ErrScriptFlush)
		return
	}
	c.Scripts.cache, c.Scripts.cached, c.Scripts.machine = nil, 0, nil
	c.Reply.OK()
}

// SCRIPT DEBUG <YES | SYNC | NO>
func scriptDebug(c *Call) {
	if !c.is(2, "YES") && !c.is(2, "SYNC") && !c.is(2, "NO") {
		c.Reply.Error(resp.ErrScriptDebug)
		return
	}
	c.Reply.OK()
}

// killScript is SCRIPT KILL and FUNCTION KILL.
func (c *Call) killScript(function bool) {
	r := c.Scripts.running
	switch {
	case r == nil:
		c.Reply.Error(resp.ErrScriptNotBusy)
	case r.wrote:
		c.Reply.Error(resp.ErrScriptUnkillable)
	case r.function != function:
		c.Reply.Error(c.Scripts.Busy())
	default:
		c.Scripts.Kill()
		c.Reply.OK()
	}
}
