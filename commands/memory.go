package commands

import (
	"fmt"
	"runtime/metrics"
	"strings"

	"holdfast/kv"
	"holdfast/resp"
)

// MEMORY USAGE STATS DOCTOR MALLOC-STATS PURGE HELP

func memoryCommands() []*Command {
	everywhere := []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"}
	return []*Command{{
		Name: "memory", Group: Server, Since: "4.0.0", Arity: -2,
		Summary: "What takes how much memory.", Complexity: "That of the subcommand",
		Subs: []*Command{
			{
				Name: "help", Since: "4.0.0", Arity: 2, Flags: Loading | Stale,
				Summary: "Lists the subcommands.", Complexity: "O(1)",
				Run: containerHelp,
			},
			{
				Name: "usage", Since: "4.0.0", Arity: -3, Flags: ReadOnly, Keys: Key(2, RO),
				Syntax:  "key [SAMPLES count]",
				Summary: "Tells the bytes that a key and its value take. They are counted, so SAMPLES makes no difference.", Complexity: "O(1)",
				Run: memoryUsage,
			},
			{
				Name: "purge", Since: "4.0.0", Arity: 2, Tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"},
				Summary: "Collects garbage, and gives what is free back to the system.", Complexity: "O(n) in the memory held, beside everything else",
				Run: memoryPurge,
			},
			{
				Name: "stats", Since: "4.0.0", Arity: 2, Tips: everywhere,
				Summary: "Tells figures of the memory in use.", Complexity: "O(n) in the databases",
				Run: memoryStats,
			},
			{
				Name: "doctor", Since: "4.0.0", Arity: 2, Tips: everywhere,
				Summary: "Says in words what is remarkable about the memory in use.", Complexity: "O(1)",
				Run: memoryDoctor,
			},
			{
				Name: "malloc-stats", Since: "4.0.0", Arity: 2, Tips: everywhere,
				Summary: "Tells the allocator's own figures, which are Go's.", Complexity: "O(1)",
				Run: memoryMallocStats,
			},
		},
	}}
}

// MEMORY USAGE key [SAMPLES count]
func memoryUsage(c *Call) {
	for i := 3; i < len(c.Args); i += 2 {
		if !c.is(i, "SAMPLES") || i+1 == len(c.Args) {
			c.Reply.Error(resp.ErrSyntax)
			return
		}
		n, ok := ParseInt(c.Args[i+1])
		switch {
		case !ok:
			c.Reply.Error(resp.ErrNotInteger)
			return
		case n < 0:
			c.Reply.Error(resp.ErrSyntax)
			return
		}
	}
	if e, found := c.DB.Peek(c.Args[2]); found {
		c.Reply.Int(e.Bytes())
	} else {
		c.Reply.Null()
	}
}

// MEMORY PURGE
func memoryPurge(c *Call) {
	c.Keeper.ReturnMemory()
	c.Reply.OK()
}

// MEMORY STATS
//
// The names are Redis's. What there is no such thing of here is 0: buffers of replicas, scripts.
func memoryStats(c *Call) {
	f := c.Keeper.Figures()
	pairs := 0
	mark := c.Reply.MapLater()
	integer := func(name string, n int64) {
		c.Reply.BulkString(name)
		c.Reply.Int(n)
		pairs++
	}
	share := func(name string, a, b int64) {
		c.Reply.BulkString(name)
		c.Reply.Double(float64(a) / float64(max(b, 1)))
		pairs++
	}
	integer("peak.allocated", f.MemoryPeak)
	integer("total.allocated", f.Memory)
	integer("startup.allocated", f.MemoryStartup)
	integer("replication.backlog", 0)
	integer("clients.slaves", 0)
	integer("clients.normal", c.Clients.Figures().Buffered)
	integer("cluster.links", 0)
	integer("aof.buffer", f.LogWaiting)
	integer("lua.caches", 0)
	integer("functions.caches", 0)
	keys := int64(0)
	for i := range c.Keys.Databases() {
		db := c.Keys.DB(i)
		if db.Len() == 0 {
			continue
		}
		keys += int64(db.Len())
		c.memoryOfDB(i, db)
		pairs++
	}
	integer("overhead.total", f.Memory-f.MemoryData)
	integer("keys.count", keys)
	integer("keys.bytes-per-key", max(0, f.Memory-f.MemoryStartup)/max(keys, 1))
	integer("dataset.bytes", f.MemoryData)
	share("dataset.percentage", 100*f.MemoryData, f.Memory-f.MemoryStartup)
	share("peak.percentage", 100*f.Memory, f.MemoryPeak)
	integer("allocator.allocated", f.MemoryBound)
	integer("allocator.active", f.memoryLive())
	integer("allocator.resident", f.Memory)
	share("allocator-fragmentation.ratio", f.memoryLive(), f.MemoryBound)
	integer("allocator-fragmentation.bytes", f.MemorySpare)
	share("allocator-rss.ratio", f.Memory, f.memoryLive())
	integer("allocator-rss.bytes", f.memoryGarbage())
	share("rss-overhead.ratio", 1, 1)
	integer("rss-overhead.bytes", 0)
	resident := c.Keeper.ResidentMemory()
	share("fragmentation", resident, f.Memory)
	integer("fragmentation.bytes", resident-f.Memory)
	c.Reply.MapEnd(mark, pairs)
}

// memoryLive is what the process has use for, in bytes, and memoryGarbage what it holds beside: garbage, and what is free.
func (f *Figures) memoryLive() int64    { return f.MemoryBound + f.MemorySpare }
func (f *Figures) memoryGarbage() int64 { return max(0, f.Memory-f.memoryLive()) }

func (c *Call) memoryOfDB(i int, db *kv.DB) {
	table, deadlines := db.IndexBytes()
	c.Reply.BulkString(fmt.Sprintf("db.%d", i))
	c.Reply.Map(3)
	c.Reply.BulkString("overhead.hashtable.main")
	c.Reply.Int(table)
	c.Reply.BulkString("overhead.hashtable.expires")
	c.Reply.Int(deadlines)
	c.Reply.BulkString("overhead.hashtable.slot-to-keys")
	c.Reply.Int(0)
}

const (
	// littleMemory is too little to say anything about, in bytes.
	littleMemory = 5 << 20
	// highGarbage is the share of what it has use for, in percent, that the process may hold beyond it without remark.
	highGarbage = 50
	// highSpare is the same for the room that deleted keys have left.
	highSpare = 40
)

// MEMORY DOCTOR
func memoryDoctor(c *Call) {
	f := c.Keeper.Figures()
	var said []string
	say := func(format string, args ...any) { said = append(said, " * "+fmt.Sprintf(format, args...)) }
	if f.MemoryPeak > f.Memory*3/2 {
		say("Peak: %s were held at one time, now %s are.", humanBytes(f.MemoryPeak), humanBytes(f.Memory))
	}
	if more := f.memoryGarbage(); more > f.memoryLive()*highGarbage/100 {
		say("Garbage: the process holds %s more than it has use for. It goes back when the process is at rest, or with MEMORY PURGE.", humanBytes(more))
	}
	if f.MemorySpare > f.memoryLive()*highSpare/100 {
		say("Spare room: keys that are gone have left %s, which other keys of their size will take.", humanBytes(f.MemorySpare))
	}
	switch {
	case f.Memory-f.MemoryStartup < littleMemory:
		c.Reply.Verbatim("txt", "There is too little in memory to say anything about it.\n")
	case len(said) == 0:
		c.Reply.Verbatim("txt", "Nothing is remarkable about the memory in use.\n")
	default:
		c.Reply.Verbatim("txt", "Remarkable about the memory in use:\n\n"+strings.Join(said, "\n")+"\n")
	}
}

// MEMORY MALLOC-STATS
func memoryMallocStats(c *Call) {
	var samples []metrics.Sample
	for _, m := range metrics.All() {
		if m.Kind == metrics.KindUint64 && (strings.HasPrefix(m.Name, "/memory/classes/") || strings.HasPrefix(m.Name, "/gc/")) {
			samples = append(samples, metrics.Sample{Name: m.Name})
		}
	}
	metrics.Read(samples)
	var text strings.Builder
	for _, s := range samples {
		fmt.Fprintf(&text, "%-50s %d\n", s.Name, s.Value.Uint64())
	}
	c.Reply.Verbatim("txt", text.String())
}
