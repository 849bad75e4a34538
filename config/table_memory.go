package config

// memoryTable: how much may be held, what goes when it is too much, and what lapses.
func memoryTable() []Directive {
	return []Directive{
		{Name: "databases", Kind: KindInt, Default: "16", Min: 1, Max: maxInt32, Change: AtStart, Usage: "databases that SELECT may choose from"},
		{Name: "maxmemory", Kind: KindMemory, Default: "0", Max: maxInt64, Usage: "memory for the data, as 1gb or in bytes (0: no limit)"},
		{Name: "maxmemory-policy", Kind: KindEnum, Default: "noeviction",
			Choices: []string{"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction", "spill"},
			Usage:   "what to do above maxmemory: refuse writes (noeviction), leave unchanged keys on disk only (spill), or delete keys: of all (allkeys-…) or of those with a TTL (volatile-…), by lru, lfu or random, or volatile-ttl"},
		{Name: "maxmemory-samples", Kind: KindInt, Default: "5", Min: 1, Max: maxInt32, Usage: "keys looked at to find one to evict"},
		{Name: "lfu-log-factor", Kind: KindInt, Default: "10", Max: maxInt32, Usage: "how slowly the LFU counter of a key grows"},
		{Name: "lfu-decay-time", Kind: KindInt, Default: "1", Max: maxInt32, Usage: "minutes after which the LFU counter of a key falls by one (0: never)"},
		{Name: "active-expire-effort", Kind: KindInt, Default: "1", Min: 1, Max: 10, Inert: true, Usage: "share of the time that may go into deleting what has lapsed"},
		{Name: "hz", Kind: KindInt, Default: "10", Max: maxInt32, clamp: [2]int64{1, 500}, Inert: true, Usage: "background rounds per second; 1 to 500 have an effect"},

		{Name: "dynamic-hz", Kind: KindBool, Default: "yes", Inert: true, Usage: "more background rounds with more clients"},
		{Name: "maxmemory-clients", Kind: KindMemoryOrPercent, Default: "0", Max: maxInt64, Inert: true, Usage: "memory for the buffers of all clients (0: no limit)"},
		{Name: "maxmemory-eviction-tenacity", Kind: KindInt, Default: "10", Max: 100, Inert: true, Usage: "effort of eviction"},
		{Name: "lazyfree-lazy-eviction", Kind: KindBool, Default: "no", Inert: true, Usage: "free evicted values in the background; memory here is always freed so"},
		{Name: "lazyfree-lazy-expire", Kind: KindBool, Default: "no", Inert: true, Usage: "free lapsed values in the background"},
		{Name: "lazyfree-lazy-server-del", Kind: KindBool, Default: "no", Inert: true, Usage: "free overwritten values in the background"},
		{Name: "lazyfree-lazy-user-del", Kind: KindBool, Default: "no", Inert: true, Usage: "DEL frees in the background"},
		{Name: "lazyfree-lazy-user-flush", Kind: KindBool, Default: "no", Inert: true, Usage: "FLUSHALL frees in the background"},
		{Name: "activerehashing", Kind: KindBool, Default: "yes", Inert: true, Usage: "spend idle time on moving hash tables"},
		{Name: "activedefrag", Kind: KindBool, Default: "no", Inert: true, Usage: "move memory together"},
		{Name: "active-defrag-cycle-min", Kind: KindInt, Default: "1", Min: 1, Max: 99, Inert: true, Usage: "least percentage of time for activedefrag"},
		{Name: "active-defrag-cycle-max", Kind: KindInt, Default: "25", Min: 1, Max: 99, Inert: true, Usage: "greatest percentage of time for activedefrag"},
		{Name: "active-defrag-threshold-lower", Kind: KindInt, Default: "10", Max: 1000, Inert: true, Usage: "percentage of waste that starts activedefrag"},
		{Name: "active-defrag-threshold-upper", Kind: KindInt, Default: "100", Max: 1000, Inert: true, Usage: "percentage of waste at which activedefrag does its utmost"},
		{Name: "active-defrag-ignore-bytes", Kind: KindMemory, Default: "104857600", Min: 1, Max: maxInt64, Inert: true, Usage: "waste that activedefrag ignores"},
		{Name: "active-defrag-max-scan-fields", Kind: KindInt, Default: "1000", Min: 1, Max: maxInt64, Inert: true, Usage: "elements that activedefrag looks at in one go"},
		{Name: "jemalloc-bg-thread", Kind: KindBool, Default: "yes", Inert: true, Usage: "background thread of an allocator that is not used here"},
	}
}
