package repair

import (
	"fmt"
	"strings"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/internal/plural"
	"holdfast/kv"
	"holdfast/snapshot"
)

// keysCounted bounds the keys and records that are told apart: beyond it a count is a lower bound.
const keysCounted = 1 << 16

// Loss is what a repair takes from the data.
type Loss struct {
	From       uint64 `json:"from_lsn,omitempty"` // of the log's records; 0: none
	To         uint64 `json:"to_lsn,omitempty"`   // 0 behind a From: nothing that is left tells how many there were
	Readable   int64  `json:"readable_records"`   // of them, in quarantine
	Unreadable int64  `json:"unreadable_records"` // or missing
	// Keys are those that readable records name: their last changes are lost. Those of a salvaged base are lost whole.
	Keys     []Key `json:"keys,omitempty"`      // up to 1000
	KeyCount int64 `json:"key_count"`           // of all of them
	BaseKeys []Key `json:"base_keys,omitempty"` // keys of base.db whose name can be read, and not their value; up to 1000
	BaseLost int64 `json:"base_lost"`           // keys of base.db that cannot be read
	BaseKept int64 `json:"base_kept"`           // and those that can, where it is salvaged

	seen map[string]bool
}

// Key is a key in a database.
type Key struct {
	DB  int    `json:"db"`
	Key string `json:"key"` // quoted where it is not printable
}

const keysNamed = 1000

// name notes the keys that a record names.
func (l *Loss) name(table *commands.Table, r aof.Record) {
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	// A body that makes no sense names what came before it made none.
	_ = aof.Commands(r.Body, func(db int, args [][]byte) error {
		cmd := table.Lookup(args[0])
		if cmd != nil && len(args) > 1 && cmd.Sub(args[1]) != nil {
			cmd = cmd.Sub(args[1])
		}
		if cmd == nil {
			return nil
		}
		cmd.EachKey(args, func(i int, _ commands.KeyFlags) { l.add(db, args[i]) })
		return nil
	})
}

func (l *Loss) add(db int, key []byte) {
	id := fmt.Sprintf("%d/%s", db, key)
	if l.seen[id] || len(l.seen) >= keysCounted {
		return
	}
	l.seen[id] = true
	l.KeyCount++
	if len(l.Keys) < keysNamed {
		l.Keys = append(l.Keys, Key{db, printable(key)})
	}
}

// count takes over what a salvage leaves out.
func (l *Loss) count(found snapshot.Salvaged) {
	l.BaseKept = found.Keys
	var expected int64
	for _, db := range found.Meta.DBs {
		expected += db.Keys
	}
	l.BaseLost = max(expected-found.Keys, int64(len(found.Lost)))
	l.BaseKeys = nil
	for _, lost := range found.Lost {
		l.BaseKeys = append(l.BaseKeys, Key{lost.DB, printable(lost.Key)})
	}
}

func printable(key []byte) string {
	const most = 200
	text := fmt.Sprintf("%q", key[:min(len(key), most)])
	if len(key) > most {
		text += "…"
	}
	return text
}

// decodable is what a salvaged value must be: of a kind unknown here nothing is said.
func decodable() func(db int, key []byte, r snapshot.Record, parts []snapshot.Part) error {
	types := commands.Types()
	return func(_ int, _ []byte, r snapshot.Record, parts []snapshot.Part) (err error) {
		if int(r.Kind) >= len(types) || kv.Kind(r.Kind) == kv.String {
			return nil
		}
		switch typ := types[r.Kind]; {
		case r.Parted && typ.FromParts != nil:
			_, err = typ.FromParts(r.Payload, func() (uint64, []byte, bool, error) {
				if len(parts) == 0 {
					return 0, nil, false, nil
				}
				part := parts[0]
				parts = parts[1:]
				return part.Number, part.Payload, true, nil
			})
		case !r.Parted && typ.Decode != nil:
			_, err = typ.Decode(r.Payload)
		}
		return err
	}
}

// String says the loss in words; "" where there is none.
func (l Loss) String() string {
	var texts []string
	if l.To > 0 {
		texts = append(texts, fmt.Sprintf("%s, LSN %d to %d, of which %d can still be read in quarantine",
			plural.Count(l.To-l.From+1, "log record"), l.From, l.To, l.Readable))
	}
	if l.From > 0 && l.To == 0 {
		texts = append(texts, fmt.Sprintf("what the log held from LSN %d on, if anything: nothing that is left tells how much", l.From))
	}
	if l.KeyCount > 0 {
		texts = append(texts, fmt.Sprintf("these name %s: %s", plural.Count(l.KeyCount, "key"), list(l.Keys, l.KeyCount)))
	}
	if l.BaseLost > 0 {
		text := plural.Count(l.BaseLost, "key") + " of the base"
		switch named := int64(len(l.BaseKeys)); {
		case named == l.BaseLost:
			text += ": " + list(l.BaseKeys, named)
		case named > 0:
			text += ", among them " + list(l.BaseKeys, named)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

func list(keys []Key, count int64) string {
	const most = 20
	var b strings.Builder
	for i, key := range keys[:min(len(keys), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		if key.DB > 0 {
			fmt.Fprintf(&b, "%d:", key.DB)
		}
		b.WriteString(key.Key)
	}
	if count > most {
		b.WriteString(" …")
	}
	return b.String()
}
