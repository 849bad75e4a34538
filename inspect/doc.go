// Package inspect reads a data directory without a server: what the snapshot holds, what the log says, and whether all
// of it is whole. The offline commands of the program are a thin layer of flags above it.
//
//	Directory ── Snapshot()  ──► Info · Verify · Diff           base.db, or one that was Named, opened for reading only
//	          │      └─ Source ──► NewStats · Keys · Get · Page   whatever has keys in it: an RDB file is one too
//	          ├─ Segments()  ──► a line per segment             aof/, the headers
//	          ├─ Records()   ──► the records, one by one        aof/, as a start would read them
//	          ├─ Tail()      ──► the newest ones, and on        aof/, while a server writes it
//	          ├─ LogStats()  ──► LogStats                       counted in bounded memory
//	          ├─ Who()       ──► what touched one key
//	          └─ Check()     ──► Report                         everything, with a verdict per file
//
// Invariants
//
//   - Nothing here writes, makes or removes a file, or takes a lock that a server would mind for longer than it reads
//     the base: a server that starts meanwhile says that the base is in use.
//   - Memory does not grow with the data: keys and records go by one at a time, and values an element at a time. A string
//     is one element, and is read whole where it is shown.
//   - What is damaged is never shown as if it were all: what came before it has been shown, and then there is an error.
//   - Values are surveyed and walked through kv.Type (see package outline); this package knows no type.
//
// Output for people is in columns or in redis-cli's quotes; output for programs is JSON, in which a byte string that is
// not UTF-8 is {"base64": "…"} (see Bytes).
//
// Rejected: replaying the log onto the snapshot, so that keys could be shown as of now. That is a start, and
// the engine's; what a file holds is shown here, and each answer says as of which LSN. Also rejected: taking the
// directory's lock, so as to tell whether a server runs. A server that starts at that moment would refuse to.
package inspect
