// Package repair makes a damaged data directory startable, by cutting at the first damage, and never without a copy of
// what it cuts.
//
//	Open ──► Plan: what is damaged, what will be done, what that loses          nothing is changed
//	     └─► Do    quarantine/<UTC time>/   a synced copy of everything that goes, and repair.json
//	               work.tmp/base.db         another base, where that one is damaged
//	               then the cuts, then the base under its name
//
// The base is, in this order: base.db, if it is sound; the newest sound snapshot from which the log leads at least to
// where base.db was, which loses nothing, or the empty beginning if the log goes back to that; what can be read of
// base.db, with the log replayed on top; or else a snapshot that is older. The log ends before its first damage behind
// that base.
//
// Invariants
//
//   - The directory is locked from the plan to the end: what was planned is what is there.
//   - Nothing is removed or overwritten before its copy, and the directory of that, is synced.
//   - A crash on the way leaves a directory that a start refuses, or one that is repaired. Repairing goes on from there.
//   - A repair never ends in an empty keyspace because the base is gone. Then there is nothing to be done here.
//   - A second repair finds nothing to do.
//
// What a start does not mind is left alone: damage in segments whose records are all in the base.
//
// Rejected: patching around a damaged record and going on behind it. What follows was made on top of it: the server would
// serve a state that never was. Where the base itself is salvaged there is no other way, and the report says so.
package repair
