// Package intake takes data in that another program wrote, or an export: an RDB file, a Redis AOF of one file or of several,
// JSON lines. It becomes a new data directory, or goes over the wire into a server that runs.
//
//	Open ─► Input ── keys to begin with    an RDB file, or what an AOF begins with
//	             └── commands              those of an AOF, or made of JSON lines
//
//	IntoDirectory   keys → sorted → a fresh base;  commands → replayed onto it, as a start replays a log;  verified; published
//	                large values of JSON lines, and of what a rewritten AOF begins with → the fresh base, as if they were keys
//	IntoServer      all is read once, and looked for in the server; then read again, as commands in a pipeline
//
// Invariants
//
//   - Nothing is in the new directory, and nothing is sent, unless the whole input has been found sound; what is skipped was
//     asked for, and is counted.
//   - Damage is told with the file and the line or offset where it begins.
//   - No type of value is known here but the string: what one has to say for itself stands in kv.Type (Checker, Assembly, Remake).
//   - Memory: a piece of the input, one element, and what the sort and the replay are allowed: a large value of an RDB file goes
//     into the base in parts (parts.go), unless one of its elements is beyond 192 MiB; so does one of JSON lines (jsonlarge.go),
//     whose long strings are decoded in pieces (jsontext.go), and one that a Redis wrote when it rewrote its AOF, or that is
//     written as commands by an export (rewritten.go), as long as it stands before anything else that such a file may have. What
//     any other command of an AOF works on is made whole, as it is in the server that wrote it.
//   - A torn end of an AOF is no damage: a crash leaves it, and a Redis leaves it out too.
//
// Rejected: keys of an RDB file as RESTORE commands through the engine. It is one way for everything, and four times as slow
// as filling a base in its order. Also rejected: values in parts out of any commands of an AOF. Which elements a value has in the
// end is known when all have been read, and then only by who keeps them.
package intake
