package engine

import (
	"bytes"
	"strconv"

	"holdfast/commands"
	"holdfast/config"
	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/pubsub"
)

// Keyspace events are messages: of a key's on __keyspace@<db>__:<key>, and of an event's on __keyevent@<db>__:<event>. They go
// out when the record of what they tell of is known, under its gate (mail.go).

// watchEvents keeps what hears of events in step with notify-keyspace-events. Where nothing is to be published nothing hears of
// them, which costs a command a comparison with nil.
func (e *Engine) watchEvents() {
	e.listen(e.events.Load())
	e.events.OnChange(func(events config.Events) error {
		e.listen(events)
		e.tellLapsed()
		return nil
	})
}

func (e *Engine) listen(events config.Events) {
	e.world.Events, e.world.Keys.Added, e.world.Keys.Missed = e.o.Events, nil, nil
	e.told = events // the handle has the old value as long as hooks of the new one run
	if !events.Published() {
		return
	}
	e.world.Events = e.event
	if events&config.EventNew != 0 {
		e.world.Keys.Added = func(db *kv.DB, key []byte) {
			e.publishEvent(commands.EventNew, "new", e.world.Keys.Number(db), key)
		}
	}
	if events&config.EventKeyMiss != 0 {
		e.world.Keys.Missed = func(db *kv.DB, key []byte) {
			e.publishEvent(commands.EventKeyMiss, "keymiss", e.world.Keys.Number(db), key)
		}
	}
}

// silenceEvents keeps events from being heard of until listen, as where keys are read from the disk.
func (e *Engine) silenceEvents() {
	e.world.Events, e.world.Keys.Added, e.world.Keys.Missed = nil, nil, nil
}

// event is World.Events.
func (e *Engine) event(class byte, event string, db int, key []byte) {
	if e.o.Events != nil {
		e.o.Events(class, event, db, key)
	}
	e.publishEvent(class, event, db, key)
}

// publishEvent publishes an event if its class is to be, and returns how many hear of it.
func (e *Engine) publishEvent(class byte, event string, db int, key []byte) (hearers int) {
	wanted := e.told
	if wanted&config.EventClass(class) == 0 || !e.world.PubSub.Any(pubsub.Channel) {
		return 0
	}
	var room [128]byte
	if wanted&config.EventKeyspace != 0 {
		channel := append(eventChannel(room[:0], "__keyspace@", db), key...)
		hearers += e.world.Publish(pubsub.Channel, channel, []byte(event))
	}
	if wanted&config.EventKeyevent != 0 {
		channel := append(eventChannel(room[:0], "__keyevent@", db), event...)
		hearers += e.world.Publish(pubsub.Channel, channel, key)
	}
	return hearers
}

func eventChannel(dst []byte, kind string, db int) []byte {
	dst = append(dst, kind...)
	dst = strconv.AppendInt(dst, int64(db), 10)
	return append(dst, "__:"...)
}

// absence keeps events of keys that lapsed while nobody served them, for those who could not hear of it: after a start the keys
// go at once, before an application has connected. An event is told once, when a subscription or CONFIG SET makes that somebody
// hears it. What nobody has heard when the process ends is not told any more.
type absence struct {
	kept  []lapsedKey
	bytes int // of their names
}

type lapsedKey struct {
	db  int
	key string
}

// Bounds of what is kept; the events of keys that lapsed beyond them are told to those who hear them at that moment only. All of
// them together are less than a subscriber may have before him.
const (
	absenceKeys  = 1 << 15
	absenceBytes = 4 << 20
)

// tellExpired tells of a key that is about to go, as it is due.
func (e *Engine) tellExpired(db int, key []byte) {
	if e.o.Events != nil && e.world.Events != nil {
		e.o.Events(commands.EventExpired, "expired", db, key)
	}
	if e.publishEvent(commands.EventExpired, "expired", db, key) > 0 {
		return
	}
	a := &e.absence
	if len(a.kept) == absenceKeys || a.bytes+len(key) > absenceBytes {
		return
	}
	entry, ok := e.world.Keys.DB(db).Peek(key)
	if ok && entry.Deadline() != expiry.None && entry.Deadline() <= e.stats.start {
		a.kept = append(a.kept, lapsedKey{db, string(key)})
		a.bytes += len(key)
	}
}

// tellLapsed tells what was kept to those who hear it now.
func (e *Engine) tellLapsed() {
	a := &e.absence
	if len(a.kept) == 0 || e.told&config.EventExpired == 0 {
		return
	}
	e.mail.late = true
	left := a.kept[:0]
	for _, k := range a.kept {
		if e.publishEvent(commands.EventExpired, "expired", k.db, []byte(k.key)) == 0 {
			left = append(left, k)
		} else {
			a.bytes -= len(k.key)
		}
	}
	e.mail.late = false
	if e.pending() && len(left) < len(a.kept) {
		e.gate = e.lsn
	}
	clear(a.kept[len(left):])
	a.kept = left
	if len(left) == 0 {
		e.absence = absence{}
	}
}

// subscribed looks after a command that may have made somebody hear of events.
func (e *Engine) subscribed(cmd *commands.Command, args [][]byte) {
	if len(e.absence.kept) == 0 || cmd.Name != "subscribe" && cmd.Name != "psubscribe" {
		return
	}
	for _, name := range args[1:] {
		if hearsEvents(name, cmd.Name == "psubscribe") {
			e.tellLapsed()
			return
		}
	}
}

// hearsEvents reports whether a channel's name, or a pattern, may be one of those of events.
func hearsEvents(name []byte, pattern bool) bool {
	const begin = "__key"
	if pattern {
		if i := bytes.IndexAny(name, "*?[\\"); i >= 0 && i < len(begin) {
			return string(name[:i]) == begin[:i]
		}
	}
	return bytes.HasPrefix(name, []byte(begin))
}
