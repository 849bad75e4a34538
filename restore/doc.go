// Package restore builds the state that a data directory had at one LSN, or at one moment, in a new directory.
//
//	choose   the newest base at or before the point, from which the log leads to it without a gap (package history)
//	copy     NEWDIR/work.tmp/base.db, under a new data-set id
//	replay   the records up to the point, through the handlers that a start uses (engine.Rebuild)
//	verify   every page, checksum and count of the result
//	publish  NEWDIR/restored.json, then NEWDIR/base.db by a rename
//
// A single file, a backup, is a history of one point: it is verified first, and takes the same way.
//
// Invariants
//
//   - The source is read and never changed. Beside a running server its snapshots and its log can be read, and its
//     base.db, which it has locked, can not.
//   - NEWDIR/base.db exists if and only if the restore is complete and verified: until the rename everything is in
//     NEWDIR/work.tmp, and no server starts on a directory that has nothing else.
//   - The result is another data set: a log or a snapshot of the source does not fit it, nor the other way round.
//   - A gap, or damage before the point, is refused before NEWDIR is made, with the points that can be restored.
//   - Memory does not grow with the data: keys are cold, and go cold again when those that changed are too many.
//
// Rejected: linking the log into NEWDIR and letting the next start replay it. That start would need to know where to
// stop, and two directories would go on with the same LSNs in the same data set.
package restore
