package aof

import (
	"errors"

	"holdfast/internal/vfs"
)

// Scan hands each record of the log in dir with an LSN of at least from to fn, in order. With from 0 it begins at the
// oldest segment there is; a first segment behind a from that is not 0 is ErrGap. Scan judges as Recover does and
// changes nothing: a torn tail is reported in the Recovery, damage is a *DamageError, fn's error stops it. Records
// before the damage have been handed out by then. Memory is constant but for the largest record.
//
// It is safe beside a running server: what is then reported as torn is being written at this moment, and segments
// that begin after Scan did are not seen. A segment that is retired under it is fs.ErrNotExist.
func Scan(fsys vfs.FS, dir string, from uint64, fn func(Position, Record) error) (Recovery, error) {
	segs, _, err := loadSegments(fsys, dir)
	if err != nil {
		return Recovery{}, err
	}
	if from == 0 && len(segs) > 0 {
		from = segs[0].first
	}
	w := walk{fs: fsys, id: anyID(segs), segs: segs, from: from, emit: fn, patient: true}
	err = w.run()
	return w.found, err
}

// List describes the segments of the log in dir, oldest first. Damage is reported per segment, in SegmentInfo; the error
// is for a directory that can not be listed or read. Only the last segment's records are read, for its last LSN.
// Safe beside a running server; fs.ErrNotExist is a segment that was retired meanwhile.
func List(fsys vfs.FS, dir string) ([]SegmentInfo, error) {
	segs, _, err := loadSegments(fsys, dir)
	if err != nil {
		return nil, err
	}
	id := anyID(segs)
	infos := make([]SegmentInfo, 0, len(segs))
	for i, s := range segs {
		if i+1 < len(segs) {
			infos = append(infos, s.info(segs[i+1].first-1, 0))
			continue
		}
		info := s.info(s.first-1, 0)
		if s.damage == nil {
			w := walk{fs: fsys, id: id, segs: segs[i:], from: s.first, emit: func(Position, Record) error { return nil }}
			err := w.run()
			if err != nil && !errors.As(err, new(*DamageError)) {
				return nil, err
			}
			info.Damage = err
			info.Last, info.Used = max(w.next, s.first)-1, w.end
		}
		infos = append(infos, info)
	}
	for i := range infos {
		if err := segs[i].claimedBy(id); err != nil {
			infos[i].Damage = err
		}
	}
	return infos, nil
}

// anyID is the data-set id that the oldest readable segment carries.
func anyID(segs []segment) (id [16]byte) {
	for _, s := range segs {
		if s.damage == nil {
			return s.header.id
		}
	}
	return id
}
