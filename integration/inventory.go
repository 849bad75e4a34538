package integration

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// databases is how many databases the servers have.
const databases = 16

// settledMs is how far off a deadline must be for two inventories, taken one after the other, to agree on it.
const settledMs = 4000

// Item is what an inventory knows of a key.
type Item struct {
	DB         int
	Key        string
	Digest     string // DEBUG DIGEST-VALUE
	DeadlineMs int64  // PEXPIRETIME; -1 without one
}

// Inventory lists every key of every database, sorted. A deadline that is about to pass is an error: what
// follows would depend on luck.
func Inventory(side *Side, nowMs int64) ([]Item, error) {
	if _, err := side.Ask("DEBUG", "SET-ACTIVE-EXPIRE", "1"); err != nil {
		return nil, err
	}
	var items []Item
	for db := range databases {
		if _, err := side.Ask("SELECT", strconv.Itoa(db)); err != nil {
			return nil, err
		}
		keys, err := side.Ask("KEYS", "*")
		if err != nil {
			return nil, err
		}
		for _, key := range keys.Elems {
			item, err := takeItem(side, db, key.Text)
			if err != nil {
				return nil, err
			}
			if item.DeadlineMs >= 0 && item.DeadlineMs < nowMs+settledMs {
				return nil, fmt.Errorf("%s: db %d: %q is about to expire: delete it at the end of the transcript", side.Name, db, key.Text)
			}
			items = append(items, item)
		}
	}
	slices.SortFunc(items, func(a, b Item) int {
		if a.DB != b.DB {
			return a.DB - b.DB
		}
		return strings.Compare(a.Key, b.Key)
	})
	_, err := side.Ask("SELECT", "0")
	return items, err
}

func takeItem(side *Side, db int, key string) (Item, error) {
	item := Item{DB: db, Key: key}
	digest, err := side.Ask("DEBUG", "DIGEST-VALUE", key)
	if err != nil {
		return item, err
	}
	if len(digest.Elems) != 1 {
		return item, fmt.Errorf("%s: not a DIGEST-VALUE: %s", side.Name, digest)
	}
	item.Digest = digest.Elems[0].Text
	deadline, err := side.Ask("PEXPIRETIME", key)
	if err != nil {
		return item, err
	}
	item.DeadlineMs, err = strconv.ParseInt(deadline.Text, 10, 64)
	return item, err
}

// CompareInventories says what two inventories do not agree on. Deadlines may differ by withinMs.
func CompareInventories(ours, theirs []Item, withinMs int64) []string {
	type place struct {
		db  int
		key string
	}
	rest := map[place]Item{}
	for _, item := range theirs {
		rest[place{item.DB, item.Key}] = item
	}
	var diffs []string
	for _, a := range ours {
		b, ok := rest[place{a.DB, a.Key}]
		delete(rest, place{a.DB, a.Key})
		apart := max(a.DeadlineMs-b.DeadlineMs, b.DeadlineMs-a.DeadlineMs)
		switch {
		case !ok:
			diffs = append(diffs, fmt.Sprintf("only the first has %+v", a))
		case a.Digest != b.Digest || apart > withinMs || (a.DeadlineMs < 0) != (b.DeadlineMs < 0):
			diffs = append(diffs, fmt.Sprintf("%+v is not %+v", a, b))
		}
	}
	for _, b := range rest {
		diffs = append(diffs, fmt.Sprintf("only the second has %+v", b))
	}
	return diffs
}
