package aof

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"holdfast/internal/vfs"
)

// Recovery tells what Recover or Scan found.
type Recovery struct {
	Segments  int    // files
	From, To  uint64 // first and last LSN handed out; 0 if none
	Records   int64  // handed out
	Bytes     int64  // that those records take
	LastTime  int64  // unix ms of the last record handed out; 0 if none
	CutFile   string // the segment with the torn tail, "" if there was none; Scan cuts nothing
	CutOffset int64
	CutBytes  int64 // from CutOffset to the last byte that is not zero
}

// Position is where a record lies.
type Position struct {
	File   string
	Offset int64
	Bytes  int64 // of the whole record
}

// walk goes through a log from its segments' files. It changes nothing.
type walk struct {
	fs   vfs.FS
	id   [16]byte
	segs []segment
	from uint64 // the first LSN to hand out
	emit func(Position, Record) error
	// patient: a bad header is told after the records before it, and not before any.
	patient bool

	found Recovery
	begin int    // the segments before this one hold nothing that is wanted, and are not read
	next  uint64 // the LSN expected next
	end   int64  // offset behind the last record read
	used  []int64

	torn      bool // the last segment's header is torn: it holds nothing, and is to be written anew
	tornBytes int64
}

// loadSegments lists the segments of dir and reads their headers.
func loadSegments(fsys vfs.FS, dir string) (segs []segment, temps []string, err error) {
	named, temps, err := listNames(fsys, dir)
	if err != nil {
		return nil, nil, err
	}
	segs, err = readHeaders(fsys, named)
	return segs, temps, err
}

// readHeaders fills in the segments' headers. A first segment that is gone was retired meanwhile.
func readHeaders(fsys vfs.FS, named []segment) (segs []segment, err error) {
	for _, s := range named {
		err := s.readHeader(fsys)
		if errors.Is(err, fs.ErrNotExist) && len(segs) == 0 {
			continue
		}
		if err != nil {
			return nil, err
		}
		segs = append(segs, s)
	}
	return segs, nil
}

// run reads what is wanted, in order, and judges it.
func (w *walk) run() error {
	w.found.Segments = len(w.segs)
	w.used = make([]int64, len(w.segs))
	for i := range w.segs {
		// An older program can not even say what a newer segment holds, so these two stop it wherever they are.
		if err := w.segs[i].claimedBy(w.id); err != nil {
			return err
		}
		if d := w.segs[i].damage; d != nil && errors.Is(d, ErrNewer) {
			return d
		}
		if w.segs[i].first <= w.from {
			w.begin = i
		}
	}
	if len(w.segs) > 0 && w.segs[0].first > w.from {
		return w.gap(0, w.from, w.segs[0].first-1)
	}
	end, bad := w.headers()
	if bad != nil && !w.patient {
		return bad
	}
	for i := w.begin; i < end; i++ {
		if err := w.segment(i); err != nil {
			return err
		}
	}
	return bad
}

// headers judges bad headers: a torn rotation, or damage, and then of which segment. See the package comment.
func (w *walk) headers() (end int, err error) {
	last := len(w.segs) - 1
	if last > 0 && w.begin == last && w.segs[last].damage != nil {
		w.begin-- // the judgement asks whether the segment before is complete
	}
	for i := w.begin; i <= last; i++ {
		s := w.segs[i]
		if s.damage == nil {
			continue
		}
		if i == 0 || i < last || !errors.Is(s.damage, ErrCorrupt) || s.size < HeaderBytes {
			return i, s.damage
		}
		if w.tornBytes, err = w.unused(s); err != nil {
			return i, err
		}
		w.torn = true
	}
	return len(w.segs), nil
}

// unused returns the bytes of the torn header in a segment that has nothing else, or the segment's damage.
func (w *walk) unused(s segment) (end int64, err error) {
	f, err := w.fs.OpenRead(s.path)
	if err != nil {
		return 0, fmt.Errorf("open log segment: %w", err)
	}
	defer closing(f, &err)
	b := make([]byte, headerUsed)
	if _, err := readAt(f, b, 0); err != nil {
		return 0, fmt.Errorf("read log segment %s at offset 0: %w", s.path, err)
	}
	if end, err = dataEnd(f, 0, s.size); err != nil {
		return 0, fmt.Errorf("read log segment %s: %w", s.path, err)
	}
	if end > headerUsed || headerSound(b) { // a sound header that says something wrong was never torn
		return 0, s.damage
	}
	return end, nil
}

// segment reads one segment, and judges what follows its last record.
func (w *walk) segment(i int) (err error) {
	s := w.segs[i]
	if s.damage != nil { // torn, and the segment before it was found to be complete
		w.found.CutFile, w.found.CutOffset, w.found.CutBytes = s.path, 0, w.tornBytes
		return nil
	}
	f, err := w.fs.OpenRead(s.path)
	if err != nil {
		return fmt.Errorf("open log segment: %w", err)
	}
	defer closing(f, &err)
	r := newReader(f, s.path, w.id, s.first, s.size)
	w.next, w.end = s.first, HeaderBytes
	for {
		kind, why, err := w.records(r)
		if err != nil {
			return err
		}
		if i+1 < len(w.segs) {
			err = w.sealedEnd(i, r, kind, why)
		} else {
			err = w.liveEnd(r, kind, why)
		}
		if err != nil && !errors.As(err, new(*DamageError)) {
			return err
		}
		if err != nil || i+1 == len(w.segs) {
			if gone := w.stays(f, s); gone != nil {
				return gone
			}
		}
		if err == nil && w.found.CutFile == "" {
			w.used[i] = w.end
			return nil
		}
		// A server may be writing this very record. Damage, or a torn tail, is what is still there at the second look.
		before := r.off
		r.forget()
		if err2 := w.one(r); err2 != nil {
			return err2
		}
		if r.off == before {
			w.used[i] = w.end
			return err
		}
		w.found.CutFile, w.found.CutOffset, w.found.CutBytes = "", 0, 0
	}
}

// stays is fs.ErrNotExist of a segment that a server removes meanwhile, which it lets go of bit by bit: what looks like the end
// of it says nothing then.
func (w *walk) stays(f vfs.File, s segment) error {
	size, err := f.Size()
	if err == nil && size < s.size {
		_, err = w.fs.Stat(s.path)
	}
	if err != nil {
		return fmt.Errorf("look at log segment %s again: %w", s.path, err)
	}
	return nil
}

// records hands out sound records until something else comes, and tells what that is.
func (w *walk) records(r *reader) (finding, string, error) {
	for {
		rec, kind, why, err := r.next(w.next)
		if err != nil || kind != sound {
			return kind, why, err
		}
		if err := w.take(r, rec); err != nil {
			return kind, "", err
		}
	}
}

// one hands out the next record if it is sound.
func (w *walk) one(r *reader) error {
	rec, kind, _, err := r.next(w.next)
	if err != nil || kind != sound {
		return err
	}
	return w.take(r, rec)
}

// take accepts the sound record that r has just stepped over.
func (w *walk) take(r *reader, rec Record) error {
	at := Position{File: r.path, Offset: w.end, Bytes: r.off - w.end}
	w.next, w.end = rec.LSN+1, r.off
	if rec.LSN < w.from {
		return nil
	}
	if w.found.Records == 0 {
		w.found.From = rec.LSN
	}
	w.found.To, w.found.LastTime = rec.LSN, rec.Time
	w.found.Records++
	w.found.Bytes += at.Bytes
	return w.emit(at, rec)
}

// sealedEnd judges the end of a segment that another one follows, whose name proves how far this one went.
func (w *walk) sealedEnd(i int, r *reader, kind finding, why string) error {
	follows := w.segs[i+1].first
	switch {
	case w.next == follows:
		return nil
	case w.next > follows:
		return w.corrupt(r.path, HeaderBytes, follows, fmt.Sprintf("LSN %d to %d are in the next segment too", follows, w.next-1))
	case kind == sealed:
		return w.gap(i+1, w.next, follows-1)
	case kind == ended:
		rest, err := dataEnd(r.file, w.end, r.size)
		if err != nil {
			return fmt.Errorf("read log segment %s behind offset %d: %w", r.path, w.end, err)
		}
		if rest == w.end {
			return w.gap(i+1, w.next, follows-1)
		}
	}
	return w.corrupt(r.path, w.end, w.next, fmt.Sprintf("%s, and the next segment proves that LSN %d was durable", why, follows-1))
}

// liveEnd judges the end of the last segment.
func (w *walk) liveEnd(r *reader, kind finding, why string) error {
	switch kind {
	case misplaced:
		return w.corrupt(r.path, w.end, w.next, why)
	case sealed:
		return w.missing(r)
	}
	rest, err := examine(r, w.end, w.next)
	if err != nil {
		return err
	}
	if rest.proof != "" {
		return w.corrupt(r.path, w.end, w.next, why+", and "+rest.proof)
	}
	if left := r.size - w.end; rest.end > w.end && r.beyond(left) {
		return w.corrupt(r.path, w.end, w.next, fmt.Sprintf("the file ends %d bytes behind the beginning of a record that is longer, as if it had been cut short", left))
	}
	if rest.end > w.end {
		w.found.CutFile, w.found.CutOffset, w.found.CutBytes = r.path, w.end, rest.end-w.end
	}
	return nil
}

func (w *walk) corrupt(path string, off int64, lsn uint64, reason string) error {
	return &DamageError{Kind: ErrCorrupt, Segment: path, Offset: off, LSN: lsn, Reason: reason}
}

// gap says that records from to through are in no segment; segment i is the one behind the gap.
func (w *walk) gap(i int, from, through uint64) error {
	s := w.segs[i]
	return &DamageError{Kind: ErrGap, Segment: s.path, LSN: from,
		Reason: fmt.Sprintf("%s begins at LSN %d; LSN %d to %d are in no segment", filepath.Base(s.path), s.first, from, through)}
}
