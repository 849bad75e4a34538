// Package snapshot keeps the base: everything that was true at one LSN, in one bbolt file. A checkpoint puts
// the keys that changed since the last one into it; a start reads its meta, answers point lookups from it and
// hydrates from it; tools iterate over it and verify it. Payloads are opaque here.
//
//	base.db (bbolt)
//	┌──────────────────────┬──────────────────────────────────┬────────────────────────────────────────┐
//	│ bucket               │ key                              │ value                                  │
//	├──────────────────────┼──────────────────────────────────┼────────────────────────────────────────┤
//	│ meta                 │ "format"                         │ crc, "HFBASE", format                  │
//	│                      │ "state"                          │ crc, LSN, time, data-set id, counts …  │
//	│ keys:0000002a        │ stored key                       │ crc, kind, flags, deadline(s), body    │
//	│ deadlines:0000002a   │ deadline (big endian), stored key│ crc                                    │
//	│ parts:0000002a       │ length, stored key, space, part  │ crc, payload                           │
//	└──────────────────────┴──────────────────────────────────┴────────────────────────────────────────┘
//
// 2a is a store: the place where the keys of one database live. The meta says which database lives in which
// store, so that SWAPDB changes the meta alone, and FLUSHDB is a new store number; a store that no database
// refers to is dropped by the next commit. docs/format-base.md has every byte.
//
// Invariants
//
//   - Every value begins with the CRC32C of its key and of the rest of itself, and is checked whenever it is
//     read. bbolt has no checksums on data pages.
//   - The counts in the meta are those of the buckets, as of the same transaction: whoever reads a whole
//     bucket notices when some of it is missing.
//   - A key has a deadline entry if and only if its record has that deadline, or something in its value has: of the two
//     the earlier. It has parts if and only if its record is parted, or larger than a chunk.
//   - Nothing here trusts a page. bbolt follows page numbers wherever they lead: one flipped bit in a branch
//     page makes it recurse until the stack is gone, which no recover catches; a flipped bit in the free list
//     makes it write over live pages. So reads go through a reader of our own (page.go, tree.go) that checks
//     every bound and depth, the file's head and free list are checked before bbolt sees them (header.go),
//     and the first Apply after Open walks all branch pages (walk.go) before bbolt may write.
//   - A file appears under its name only when it is whole: temporary name, sync, rename, directory sync.
//   - What is written whole is written page by page (bulk.go), and so are values that a large change puts in the place of others
//     (overwrite.go, exchange.go); bbolt writes everything else.
//
// Rejected: a bucket per database index (SWAPDB would rewrite both); deadlines found by reading all values
// (a start would read everything to learn which keys expire); big values in one bbolt value (up to four share
// a page, so that a small neighbour's change rewrites them, and four of 512 MB overflow bbolt's own arithmetic);
// large change sets in one transaction (65 k random keys hold some 0.3 GB); a free list that is not stored
// (an open then scans the file: 0.9 s for 5 M keys).
package snapshot
