package acl

import (
	"slices"

	"holdfast/config"
)

// Log is what was refused, for ACL LOG, the newest first.
type Log struct {
	// Counts are how often each Denial happened since the start or the last ResetCounts.
	Counts [DeniedChannel + 1]int64

	most    config.Handle[int64] // acllog-max-len
	entries []*Entry
}

// Entry is something that was refused, once or several times within a minute.
type Entry struct {
	Count    int64
	Reason   Denial
	Context  Context
	Object   string // a command, a key, a channel
	Username string
	Time     int64 // unix ms of the last time
	Client   string
}

// Context is where something was refused.
type Context uint8

// The contexts.
const (
	Toplevel Context = iota
	InMulti
	InScript
)

// String is the word in ACL LOG.
func (c Context) String() string { return [...]string{"toplevel", "multi", "lua"}[c] }

const (
	mergeMillis  = 60_000
	mergeEntries = 10 // that are looked at
)

// Add notes a refusal: with one of the newest entries, if it is the same again, or as an entry of its own.
func (l *Log) Add(e Entry) {
	l.Counts[e.Reason]++
	e.Count = 1
	newest := l.entries[:min(len(l.entries), mergeEntries)]
	at := slices.IndexFunc(newest, func(o *Entry) bool {
		return o.Reason == e.Reason && o.Context == e.Context && o.Object == e.Object && o.Username == e.Username &&
			e.Time-o.Time <= mergeMillis
	})
	if at >= 0 {
		e.Count += newest[at].Count
		l.entries = slices.Delete(l.entries, at, at+1)
	}
	l.entries = slices.Insert(l.entries, 0, &e)
	if most := int(l.most.Load()); len(l.entries) > most {
		clear(l.entries[most:])
		l.entries = l.entries[:most]
	}
}

// ResetCounts is CONFIG RESETSTAT.
func (l *Log) ResetCounts() { clear(l.Counts[:]) }

// Newest are n entries at most, the newest first.
func (l *Log) Newest(n int64) []*Entry { return l.entries[:min(int64(len(l.entries)), max(0, n))] }

// Reset forgets all entries.
func (l *Log) Reset() { l.entries = nil }
