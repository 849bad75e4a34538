// Package crash plays crashes on holdfast itself, thousands of them: a trace of the real program on the recording
// filesystem, and its engine started in this process on each directory that a crash could have left.
//
//	holdfast ──► lab/recorder ──► a trace ──► lab/play ──► engine.Open on each directory ──► the workload judges
//
// CRASH_STATES is how many states are played in all, CRASH_SEED repeats what was drawn. When a promise breaks the trace is
// kept, so that the same state can be played again on the program with `holdfast lab play --state`.
//
// The mutations are defects put into a copy of the sources, one at a time, to see that the lab finds each.
package crash
