package config

// encodingTable: up to which size a value has its compact form, as OBJECT ENCODING tells.
func encodingTable() []Directive {
	return []Directive{
		{Name: "hash-max-listpack-entries", Aliases: []string{"hash-max-ziplist-entries"}, Kind: KindInt, Default: "512", Max: maxInt64, Usage: "most fields of a compact hash"},
		{Name: "hash-max-listpack-value", Aliases: []string{"hash-max-ziplist-value"}, Kind: KindMemory, Default: "64", Max: maxInt64, Usage: "longest field or value of a compact hash"},
		{Name: "set-max-intset-entries", Kind: KindInt, Default: "512", Max: maxInt64, Usage: "most members of a set of integers"},
		{Name: "zset-max-listpack-entries", Aliases: []string{"zset-max-ziplist-entries"}, Kind: KindInt, Default: "128", Max: maxInt64, Usage: "most members of a compact sorted set"},
		{Name: "zset-max-listpack-value", Aliases: []string{"zset-max-ziplist-value"}, Kind: KindMemory, Default: "64", Max: maxInt64, Usage: "longest member of a compact sorted set"},
		{Name: "stream-node-max-bytes", Kind: KindMemory, Default: "4096", Max: maxInt64, Usage: "most bytes of a node of a stream (0: no limit)"},
		{Name: "stream-node-max-entries", Kind: KindInt, Default: "100", Max: maxInt64, Usage: "most entries of a node of a stream (0: no limit)"},

		{Name: "list-max-listpack-size", Aliases: []string{"list-max-ziplist-size"}, Kind: KindInt, Default: "-2", Min: -maxInt32 - 1, Max: maxInt32, Inert: true, Usage: "size of a node of a list: elements, or -1 to -5 for 4 to 64 kb"},
		{Name: "list-compress-depth", Kind: KindInt, Default: "0", Max: maxInt32, Inert: true, Usage: "nodes at the ends of a list that are not compressed (0: none is)"},
		{Name: "hll-sparse-max-bytes", Kind: KindMemory, Default: "3000", Max: maxInt64, Usage: "longest sparse HyperLogLog"},
	}
}
