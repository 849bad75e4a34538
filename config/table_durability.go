package config

// durabilityTable: what is kept, where, and when it is safe.
func durabilityTable() []Directive {
	return []Directive{
		{Name: "dir", Default: "data", Change: Protected, check: named, Usage: "data directory"},
		{Name: "appendonly", Kind: KindBool, Default: "yes", Usage: "keep a log of every write"},
		{Name: "appendfsync", Shorthands: []string{"fsync"}, Kind: KindEnum, Default: "always", Choices: []string{"everysec", "always", "no"},
			Usage: "when writes are on disk: always (before the reply), everysec (within a second), no (when the kernel likes)"},
		{Name: "save", Kind: KindSave, Default: "3600 1 300 100 60 10000", Usage: "when to checkpoint: after so many seconds, if there were so many changes"},
		{Name: "stop-writes-on-bgsave-error", Kind: KindBool, Default: "yes", Usage: "refuse writes while the last checkpoint failed"},
		{Name: "segment-bytes", Kind: KindMemory, Default: "16777216", Min: megabyte, Max: 16 * gigabyte, Usage: "size at which the log begins a new segment; less on a disk with little room"},
		{Name: "retain", Kind: KindSeconds, Default: "0", Max: maxInt32, Usage: "how far the history goes back, as 7d or in seconds: log segments and automatic snapshots are kept to restore any moment of it (0: none)"},
		{Name: "retain-bytes", Kind: KindMemory, Default: "0", Max: maxInt64, Usage: "most bytes of log segments and automatic snapshots that retain may keep (0: no limit)"},
		{Name: "shutdown-timeout", Kind: KindInt, Default: "10", Max: maxInt32, Inert: true, Usage: "seconds that a shutdown may wait for replies and the last checkpoint"},

		{Name: "dbfilename", Default: "dump.rdb", Change: Protected, Inert: true, check: plainFile("dbfilename"), Usage: "name of an RDB file, for tools that ask"},
		{Name: "appendfilename", Default: "appendonly.aof", Change: AtStart, Inert: true, check: plainFile("appendfilename"), Usage: "name of an AOF file, for tools that ask"},
		{Name: "appenddirname", Default: "appendonlydir", Change: AtStart, Inert: true, check: plainFile("appenddirname"), Usage: "name of an AOF directory, for tools that ask"},
		{Name: "rdbcompression", Kind: KindBool, Default: "yes", Inert: true, Usage: "compression of RDB files"},
		{Name: "rdbchecksum", Kind: KindBool, Default: "yes", Change: AtStart, Inert: true, Usage: "checksum of RDB files; records here always have one"},
		{Name: "rdb-del-sync-files", Kind: KindBool, Default: "no", Inert: true, Usage: "remove RDB files of replication"},
		{Name: "rdb-save-incremental-fsync", Kind: KindBool, Default: "yes", Inert: true, Usage: "sync RDB files while they are written"},
		{Name: "sanitize-dump-payload", Kind: KindEnum, Default: "no", Choices: []string{"no", "yes", "clients"}, Inert: true, Usage: "check what RESTORE is given; always done here"},
		{Name: "no-appendfsync-on-rewrite", Kind: KindBool, Default: "no", Inert: true, Usage: "skip syncs during an AOF rewrite; there is none here"},
		{Name: "auto-aof-rewrite-percentage", Kind: KindInt, Default: "100", Max: maxInt32, Inert: true, Usage: "growth that starts an AOF rewrite"},
		{Name: "auto-aof-rewrite-min-size", Kind: KindMemory, Default: "67108864", Max: maxInt64, Inert: true, Usage: "size below which no AOF rewrite starts"},
		{Name: "aof-load-truncated", Kind: KindBool, Default: "yes", Inert: true, Usage: "start with a torn AOF; here a torn tail is always cut, and damage never accepted"},
		{Name: "aof-use-rdb-preamble", Kind: KindBool, Default: "yes", Inert: true, Usage: "begin AOF files with RDB"},
		{Name: "aof-rewrite-incremental-fsync", Kind: KindBool, Default: "yes", Inert: true, Usage: "sync AOF files while they are rewritten"},
		{Name: "aof-timestamp-enabled", Kind: KindBool, Default: "no", Inert: true, Usage: "times in the AOF; records here always have one"},
		{Name: "aof-disable-auto-gc", Kind: KindBool, Default: "no", Inert: true, Usage: "keep AOF files of the past; see retain"},
		{Name: "shutdown-on-sigint", Kind: KindWords, Default: "default", Choices: shutdownChoices(), Inert: true, check: saveOrNot, Usage: "how SIGINT shuts down"},
		{Name: "shutdown-on-sigterm", Kind: KindWords, Default: "default", Choices: shutdownChoices(), Inert: true, check: saveOrNot, Usage: "how SIGTERM shuts down"},
	}
}

// named refuses an empty name, which would mean the working directory, or none.
func named(path string) string {
	if path == "" {
		return "the name of the directory is empty"
	}
	return ""
}

func shutdownChoices() []string { return []string{"default", "save", "nosave", "now", "force"} }
