package inspect

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"holdfast/aof"
	"holdfast/engine"
	"holdfast/internal/plural"
)

// checkLog reads the whole log, and judges whether it goes on from the base, if that is known.
func (c *checker) checkLog(baseKnown bool) {
	infos, err := c.list()
	if err != nil && !errors.Is(err, ErrNothing) {
		c.blameLog(err)
		return
	}
	c.infos = infos
	verdict := Unread
	if c.staged() {
		verdict = Pending
	}
	for _, info := range infos {
		c.log = append(c.log, FileReport{
			File: engine.LogDir + "/" + filepath.Base(info.File), Verdict: verdict, First: info.First, Last: info.First - 1,
		})
	}
	if !c.staged() {
		c.readLog()
		c.tell(engine.LogDir, 1, 1)
		if baseKnown {
			c.joinLog()
		}
	}
	for i := range infos {
		c.describe(i)
	}
	c.log = append(c.log, c.otherLogFiles()...)
}

// readLog reads every record. Behind damage it goes on with the next segment, so that every file gets its verdict.
func (c *checker) readLog() {
	for at := 0; at < len(c.infos); {
		found, err := aof.Scan(c.fs, c.logPath(), c.infos[at].First, c.record)
		if err == nil {
			c.endLog(found)
			return
		}
		var damage *aof.DamageError
		if !errors.As(err, &damage) {
			c.log[at].blame(err)
			return
		}
		k := c.segment(damage.Segment)
		if k < at {
			return // a segment that no scan gets past
		}
		if c.base != nil && errors.Is(damage, aof.ErrForeign) {
			return // the scan went by the oldest segment's data set: joinLog goes by the base's
		}
		behindGap := errors.Is(damage, aof.ErrGap) && damage.Offset == 0 // then segment k has not been read
		if behindGap && k == at {
			// The scan looked back, as the last segment's header is bad, and met the gap again that it was to go on behind.
			if bad := c.infos[k].Damage; bad != nil {
				c.log[k].blame(bad)
			}
			return
		}
		c.log[k].blame(c.covered(k, damage))
		if at = k + 1; behindGap {
			at = k
		}
	}
}

// covered adds to damage whether a start minds, and to what is newer what does not.
func (c *checker) covered(i int, damage error) error {
	if errors.Is(damage, aof.ErrNewer) {
		return fmt.Errorf("%w; %s", damage, newerAdvice)
	}
	if i+1 < len(c.infos) && c.infos[i].Last <= c.meta.LSN {
		return fmt.Errorf("%w; the snapshot has all that this segment held, so a start does not read it", damage)
	}
	if errors.Is(damage, aof.ErrGap) && c.infos[i].First <= c.meta.LSN+1 {
		return fmt.Errorf("%w; the snapshot has them, so a start does not miss them", damage)
	}
	return damage
}

// record counts a record, and checks what its checksum does not.
func (c *checker) record(at aof.Position, r aof.Record) error {
	i := c.segment(at.File)
	if i < 0 {
		return nil // of a segment that has begun since
	}
	f := &c.log[i]
	if f.Verdict == Unread {
		f.Verdict = Fine
	}
	f.Records++
	f.Last, c.logEnd = r.LSN, r.LSN
	if r.LSN&0xff == 0 {
		c.tell(f.File, at.Offset+at.Bytes, c.infos[i].Bytes)
	}
	unknown := ""
	err := aof.Commands(r.Body, func(_ int, args [][]byte) error {
		if unknown == "" {
			_, unknown = c.table.Find(args)
		}
		return nil
	})
	switch {
	case err != nil:
		f.blame(badRecord(at, r.LSN, err))
	case unknown != "" && r.LSN > c.meta.LSN && f.Verdict == Fine: // what a start refuses to replay; it says so once
		f.blame(fmt.Errorf("%s at offset %d, LSN %d: %s; %s", at.File, at.Offset, r.LSN, unknown, newerAdvice))
	}
	return nil
}

// endLog judges the end of the last segment.
func (c *checker) endLog(found aof.Recovery) {
	last := len(c.log) - 1
	f := &c.log[last]
	if f.Verdict == Unread {
		f.Verdict = Fine // it holds no record
	}
	c.logEnd = max(c.logEnd, c.infos[last].First-1)
	if found.CutBytes == 0 {
		return
	}
	if damage := c.infos[last].Damage; damage != nil && c.meta.LSN >= c.infos[last].First {
		f.blame(damage) // the base has records that this segment held
		return
	}
	f.Found = tornNote(found)
}

// joinLog judges whether base and log belong together, and whether anything is missing between them.
func (c *checker) joinLog() {
	if len(c.infos) == 0 {
		if c.meta.Logged {
			c.blameLog(fmt.Errorf("%w: the snapshot was written with a log going on after LSN %d, and there is no segment",
				engine.ErrLogMissing, c.meta.LSN))
		}
		return
	}
	for i, info := range c.infos {
		if c.base != nil && info.ID != c.meta.ID && info.ID != [16]byte{} {
			c.log[i].blame(&aof.DamageError{Kind: aof.ErrForeign, Segment: info.File, LSN: info.First,
				Reason: fmt.Sprintf("data-set id %x, the snapshot's is %x", info.ID, c.meta.ID)})
		}
	}
	// Of a log that ends before the base a start reads the last segment alone.
	if c.meta.Logged && c.logEnd < c.meta.LSN && c.log[len(c.infos)-1].Verdict == Fine {
		c.blameLog(fmt.Errorf("%w: the snapshot was written with a log going on after LSN %d, and what there is ends at LSN %d",
			engine.ErrLogMissing, c.meta.LSN, c.logEnd))
	}
	if first := c.infos[0].First; first > c.meta.LSN+1 {
		where := fmt.Sprintf("neither in the snapshot, which is as of LSN %d, nor in a segment", c.meta.LSN)
		if c.base == nil {
			where = "in no segment, and there is no " + engine.BaseName
		}
		c.log[0].blame(&aof.DamageError{Kind: aof.ErrGap, Segment: c.infos[0].File, LSN: c.meta.LSN + 1,
			Reason: fmt.Sprintf("LSN %d to %d are %s", c.meta.LSN+1, first-1, where)})
	}
}

// blameLog is for problems of the log as a whole.
func (c *checker) blameLog(err error) {
	f := FileReport{File: engine.LogDir, Verdict: Fine}
	f.blame(err)
	c.log = append(c.log, f)
}

// describe says in words what was found in a segment.
func (c *checker) describe(i int) {
	f := &c.log[i]
	torn := f.Found
	switch {
	case f.Verdict == Pending:
		f.Found = unfinished
		return
	case f.Verdict == Unread:
		f.Found = "damage elsewhere in the log keeps it from being judged"
		return
	case f.Records == 0:
		f.Found = fmt.Sprintf("no records; LSN %d is next", f.First)
	default:
		f.Found = fmt.Sprintf("LSN %d to %d, %s", f.First, f.Last, plural.Count(f.Records, "record"))
	}
	if f.Verdict == Fine && f.Records > 0 && f.Last <= c.meta.LSN {
		f.Found += "; the snapshot has them all"
	}
	if torn != "" {
		f.Found += "; " + torn
	}
}

// segment is the index of the segment with that path, or -1.
func (c *checker) segment(path string) int {
	for i, info := range c.infos {
		if info.File == path {
			return i
		}
	}
	return -1
}

// otherLogFiles are the files beside the segments.
func (c *checker) otherLogFiles() (files []FileReport) {
	if !c.has(engine.LogDir) {
		return nil
	}
	names, err := c.fs.List(c.logPath())
	if err != nil {
		c.blameLog(fmt.Errorf("listing the log's directory: %w", err))
		return nil
	}
	for _, name := range names {
		f := FileReport{File: engine.LogDir + "/" + name, Verdict: Ignored, Found: foreign}
		switch filepath.Ext(name) {
		case ".aof":
			continue
		case ".tmp":
			f.Verdict, f.Found = Pending, unfinished
		}
		if !strings.HasPrefix(name, ".") {
			files = append(files, f)
		}
	}
	return files
}
