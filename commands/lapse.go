package commands

import (
	"holdfast/expiry"
	"holdfast/kv"
)

// due reports whether the entry's deadline has come. It can be seen only where whole databases are looked
// through: the keys that a command names have been dealt with.
func due(e kv.Entry, now int64) bool { return e.Deadline() != expiry.None && e.Deadline() <= now }

// lapsed reports whether something within the entry's value is due. Likewise.
func lapsed(e kv.Entry, now int64) bool { return e.Lapse() != expiry.None && e.Lapse() <= now }

// Lapse removes what is due within the value of a key, up to most elements, and the key with the last of them. It returns
// the command to log, whose arguments from the third on are what went; nil when nothing is due.
func (w *World) Lapse(db int, key []byte, now int64, most int) (effect [][]byte) {
	defer w.Keys.SetUnnoticed(w.Keys.SetUnnoticed(true)) // nobody used the key
	keys := w.Keys.DB(db)
	v, _ := keys.Edit(key)
	l, ok := v.(kv.Lapser)
	if !ok {
		return nil
	}
	gone := l.Lapse(now, most)
	w.Keys.Settle()
	if len(gone) == 0 {
		return nil
	}
	if w.Touched != nil {
		w.Touched(db, key)
	}
	w.Watches.Changed(db, key)
	if w.Tracking.Active() {
		w.changedForCaches(key)
	}
	if w.Events != nil {
		w.Events(EventHash, "hexpired", db, key)
	}
	if l.Len() == 0 {
		keys.Delete(key)
		if w.Events != nil {
			w.Events(EventGeneric, "del", db, key)
		}
	}
	return append([][]byte{word("HDEL"), key}, gone...)
}
