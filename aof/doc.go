// Package aof is the append-only log: records, segments, group commit, replay and the judgement of what a crash
// or a bad disk left behind. It sees opaque bytes; only command.go knows what engine and command line put in them.
//
// # Format (docs/format-log.md has the same with examples)
//
//	<first LSN, 20 digits>.aof
//	┌────────────┬──────────┬──────────┬─────┬──────────┬───────────────────────────┐
//	│ header     │ record   │ record   │ …   │ record   │ zeroes (preallocated), or │
//	│ 4096 bytes │ LSN f    │ LSN f+1  │     │ LSN l    │ a seal where more follows │
//	└────────────┴──────────┴──────────┴─────┴──────────┴───────────────────────────┘
//	record: length u32 │ CRC32C u32 │ LSN u64 │ unix ms i64 │ durable LSN u64 │ flags u8 │ body
//
// Everything is little endian. The header has a block to itself, so that no torn record write can touch it. A
// record's CRC starts from the data-set id and the segment's first LSN: bytes that look like a record, in a value
// that somebody stored or in another segment's remains, are never taken for one.
//
// # Invariants
//
//  1. LSNs rise by one, within a segment and from one to the next. Records never straddle segments; one larger
//     than a segment gets a segment of its own size.
//  2. A segment gets its name after its header is synced, and after all of the segment before it is synced (under
//     every policy). A visible segment therefore proves that every LSN before its first was durable.
//  3. The durable LSN in a record was reached by a finished sync before that record was written. A record
//     therefore proves that every LSN up to it was durable.
//  4. After the last record of the live segment there are only zeroes: a torn tail is zeroed and synced before anything is written,
//     so that a stale valid record never follows a new one.
//  5. A seal, which tells the LSN that the next segment begins with, is written when that one has its name for good. A last
//     segment with a seal therefore proves that another one followed, and is a gap.
//  6. An error on the live segment is final. Nothing is written, synced or acknowledged after it; in particular
//     a failed sync is not repeated, since the kernel may have dropped the pages and would report success.
//
// # Torn or corrupt
//
// Let a record at offset o, with LSN n expected, be bad: wrong CRC, impossible length, or zero length with something
// other than zeroes behind it.
//
//   - Another segment follows: corrupt (invariant 2). When nothing but zeroes or the end of the file is at o, whole
//     records are missing, which is called a gap.
//   - Some valid record with LSN > n in the rest of the segment says that n was durable: corrupt (invariant 3).
//   - A record with a good CRC and an LSN other than n is at o: corrupt; no crash leaves that.
//   - It is longer than the file: corrupt, as the file has been cut short. A segment has its length before it has its name, and a
//     torn length is less than it was.
//   - Otherwise it is the torn tail, never acknowledged under fsync always. Valid records may lie in it: a batch of
//     several records is one write, and a crash may keep its later sectors and lose an earlier one. None of them can
//     claim a durable LSN ≥ n, as they were written before n was synced. All of it is cut.
//
// A header is bad when magic or CRC is wrong. By invariant 2 an honest disk never shows a bad header under a
// segment's name, so it is damage, with one exception: the last segment, of which nothing but (part of) the header
// was ever written, behind a complete previous segment, is a rotation torn on a disk that reordered it; it is written anew.
// An empty or shortened file, a foreign file, or a bad header with anything behind it is damage wherever it is found, and
// so is a bad header with no segment before it, as nothing then shows that it held no records.
//
// A segment whose records are all in the base is not read, and damage within it does not stop a start. A whole record at
// the very end that rots on a closed log, before any later record vouches for it, can not be told from a torn one.
//
// # Rejected
//
//   - One growing file: each append moves the file's size, which costs a journal commit per fdatasync.
//   - A chained CRC (each record's from the one before): it cannot be resynchronised behind a lost sector, and so
//     cannot tell a torn batch from corruption.
//   - Blocks with fragments, as LevelDB has them: bounded damage, but a record is then no longer one slice.
//   - A flusher goroutine: measured slower than committing inline (docs/decisions.md). The caller chooses, by SyncTime.
package aof
