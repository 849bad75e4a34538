// Package history finds out to which points a data directory can be brought back, and from what: the bases that it
// has, the log's segments, and how far the log leads from each base without a gap. Restoring and repairing decide by it.
//
//	snapshots/a.db @100      snapshots/b.db @250                 base.db @400
//	    ├──────── log ────────────┼──────── log ───────┤ gap          ├──── log ────┤
//	    └── restorable: LSN 100 to 320 ───────────────┘               └ 400 to 450 ─┘
//
// Invariants
//
//   - Nothing here writes, or takes a lock that lasts.
//   - Files of another data set are not looked at: neither bases nor segments. They are named.
//   - A record counts only if it follows the one before without a gap and is sound. What a crash tore off the log's end
//     is its end, as for a start.
//
// Rejected: trusting the segments' names for what they hold. A restore that finds the gap halfway has copied a base
// for nothing, and a repair has to know where to cut: so the log is read, which is quick beside applying it.
package history
