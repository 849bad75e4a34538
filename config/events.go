package config

import "strings"

// Events is a set of keyspace events: which are published, and on which channels.
type Events uint32

// The events, in the order in which Redis prints their letters.
const (
	EventGeneric  Events = 1 << iota // g: DEL, EXPIRE, RENAME …
	EventString                      // $
	EventList                        // l
	EventSet                         // s
	EventHash                        // h
	EventZSet                        // z
	EventExpired                     // x
	EventEvicted                     // e
	EventStream                      // t
	EventModule                      // d
	EventNew                         // n: a key that was not there
	EventKeyspace                    // K: publish on __keyspace@<db>__
	EventKeyevent                    // E: publish on __keyevent@<db>__
	EventKeyMiss                     // m: a key that was asked for and is not there
)

// EventsAll is what A stands for: every event but those of new and of missing keys.
const EventsAll = EventNew - 1

const (
	eventBits    = "g$lshzxetdnKEm"  // the letter of each bit
	eventLetters = "Ag$lshzxeKEtmdn" // as Redis lists them in its error
)

// EventClass is the class that a letter of eventBits stands for; none for another letter.
func EventClass(letter byte) Events {
	if i := strings.IndexByte(eventBits, letter); i >= 0 {
		return 1 << i
	}
	return 0
}

// Published reports whether any event is: on a channel, and of a class.
func (e Events) Published() bool {
	const channels = EventKeyspace | EventKeyevent
	return e&channels != 0 && e&^channels != 0
}

func parseEvents(text string) (value, string) {
	var e Events
	for i := range len(text) {
		bit := strings.IndexByte(eventBits, text[i])
		switch {
		case text[i] == 'A':
			e |= EventsAll
		case bit >= 0:
			e |= 1 << bit
		default:
			return value{}, "Invalid event class character. Use '" + eventLetters + "'."
		}
	}
	return value{e.String(), e}, ""
}

// String prints e as CONFIG GET of Redis 7.0 does: beside A, Redis does not print n.
func (e Events) String() string {
	if e&EventsAll == EventsAll {
		return "A" + (e &^ (EventsAll | EventNew)).letters()
	}
	return e.letters()
}

// Letters prints e so that reading it gives e again, for files.
func (e Events) Letters() string {
	if e&EventsAll == EventsAll {
		return "A" + (e &^ EventsAll).letters()
	}
	return e.letters()
}

func (e Events) letters() string {
	var b strings.Builder
	for i := range len(eventBits) {
		if e&(1<<i) != 0 {
			b.WriteByte(eventBits[i])
		}
	}
	return b.String()
}
