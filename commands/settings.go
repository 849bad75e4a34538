package commands

import (
	"strings"

	"holdfast/config"
	"holdfast/dict"
)

// settings are the directives that handlers read.
type settings struct {
	stringMax config.Handle[int64] // bytes
	maxmemory config.Handle[int64] // bytes, 0 for no limit

	scriptMemory config.Handle[int64] // bytes, 0 for no limit
	policy       config.Handle[string]

	setIntegers config.Handle[int64] // most members of a set of integers

	streamNodeBytes, streamNodeEntries config.Handle[int64] // 0 for no limit
	zsetEntries                        config.Handle[int64] // members of a small sorted set
	zsetValue                          config.Handle[int64] // bytes of a member in one

	hashEntries config.Handle[int64] // fields of a small hash
	hashValue   config.Handle[int64] // bytes of a field or value in one
	tracked     config.Handle[int64] // keys remembered for caches; 0 for no limit
	sketchMax   config.Handle[int64] // bytes of a sparse HyperLogLog

	seed func() dict.Seed // for sets that grow
}

// directives resolves the settings at the first call.
func (w *World) directives() *settings {
	if w.settings == nil {
		w.settings = &settings{
			stringMax: w.Config.Bytes("proto-max-bulk-len"),
			maxmemory: w.Config.Bytes("maxmemory"),

			scriptMemory: w.Config.Bytes("script-memory-limit"),
			policy:       w.Config.String("maxmemory-policy"),

			setIntegers: w.Config.Int("set-max-intset-entries"),

			streamNodeBytes:   w.Config.Bytes("stream-node-max-bytes"),
			streamNodeEntries: w.Config.Int("stream-node-max-entries"),
			zsetEntries:       w.Config.Int("zset-max-listpack-entries"),
			zsetValue:         w.Config.Bytes("zset-max-listpack-value"),

			hashEntries: w.Config.Int("hash-max-listpack-entries"),
			hashValue:   w.Config.Bytes("hash-max-listpack-value"),
			tracked:     w.Config.Int("tracking-table-max-keys"),
			sketchMax:   w.Config.Bytes("hll-sparse-max-bytes"),

			seed: w.seed,
		}
	}
	return w.settings
}

// lfu reports whether accesses are to be counted instead of dated.
func (s *settings) lfu() bool { return strings.HasSuffix(s.policy.Load(), "-lfu") }

// lru reports whether keys are to be evicted by the date of their last access.
func (s *settings) lru() bool { return strings.HasSuffix(s.policy.Load(), "-lru") }
