package intake

import (
	"errors"

	"holdfast/inspect"
	"holdfast/outline"
	"holdfast/rdb"
	"holdfast/snapshot"
)

// A value that is large for the memory that there is goes into the base in parts as it is read, and is never made whole. How, its
// type says: outline.Assembly. What it sorts on the way goes to temporary files beside the base.

// least is how many bytes make a value large.
func (d *directory) least() int64 { return max(d.Memory/32, 64<<10) }

// large reports whether a value is to be stored so. One with an element that is too long for a part lies in the base in one piece.
func (d *directory) large(k *rdb.Key) bool {
	const perElement = 16
	if k.Size+perElement*k.Elements < d.least() {
		return false
	}
	a := d.in.types[k.Kind].Assembly
	return a.Begin != nil && k.Longest <= a.ElementMax
}

// putInParts adds a key to the base, whose elements have so many bytes. A value that makes no sense is what refused says, and
// leaves nothing.
func (d *directory) putInParts(to *snapshot.Changes, e *inspect.Entry, size int64, refused func() error) error {
	store := storeOf(e.DB)
	if err := to.Delete(store, e.Key); err != nil {
		return err
	}
	head, err := d.assemble(e, outline.Site{
		Elements: e.Elements, Size: size, Seed: d.seed(), Setting: d.setting,
		Sorter: func(quarters int) outline.Sorter {
			return snapshot.NewOrder(d.FS, d.place.Work(), int(d.Memory)*quarters/16)
		},
		Part: func(number uint64, payload []byte) error {
			if err := d.ctx.Err(); err != nil {
				return err
			}
			return to.PutPart(store, e.Key, number, payload)
		},
	})
	switch {
	case errors.Is(err, outline.ErrNoValue):
		return errors.Join(refused(), to.Delete(store, e.Key))
	case errors.Is(err, rdb.ErrCorrupt): // the file is not what it was when the value was measured
		return errors.Join(err, to.Delete(store, e.Key))
	case err != nil:
		return err
	}
	return to.Put(store, e.Key, snapshot.Record{Kind: byte(e.Kind), Parted: true, Deadline: e.Deadline, Lapse: e.Lapse, Payload: head})
}

// assemble gives out the parts of a value, and returns what its record has beside them.
func (d *directory) assemble(e *inspect.Entry, site outline.Site) (head []byte, err error) {
	a := d.in.types[e.Kind].Assembly.Begin(site)
	defer func() { err = errors.Join(err, a.Discard()) }()
	const often = 1 << 10
	n := 0
	err = e.Value.Walk(func(e outline.Element) error {
		if n++; n%often == 0 && d.ctx.Err() != nil {
			return d.ctx.Err()
		}
		return a.Add(e)
	})
	if err != nil {
		return nil, err
	}
	return a.End()
}
