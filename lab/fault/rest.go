package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"holdfast/lab/subject"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
	"holdfast/resp"
)

// sector is the unit that a disk loses, in bytes.
const sector = 512

// rested is a directory that a run left, and what it was told.
type rested struct {
	dir     string
	history *workload.History
	// durable is the history of a power cut at the end: of what it does not promise, the server may not know itself that
	// it is durable.
	durable *workload.History
	replies int
	took    time.Duration
	files   []file
	// cannot says why there is none.
	cannot string
}

// file is a regular file of a rested directory.
type file struct {
	path string // slash-separated, within the directory
	size int64
	end  int64 // of its data: after it there are only zeros
}

// terminator is a server that can be asked to end, as subject.Process can.
type terminator interface{ Terminate() error }

// leave runs the whole traffic once, ends the server, cleanly or by kill -9, and keeps what it left for all experiments.
func (l *lab) leave(ctx context.Context, clean bool) (*rested, error) {
	if r := l.rested[clean]; r != nil {
		return r, nil
	}
	r := &rested{}
	var err error
	if r.dir, err = l.room(); err != nil {
		return nil, err
	}
	server, err := l.Starter.Start(ctx, r.dir)
	if err != nil {
		return nil, err
	}
	if _, can := server.(terminator); clean && !can {
		r.cannot = "this server cannot be ended cleanly"
		l.rested[clean] = r
		return r, server.Kill()
	}
	live := traffic.NewLive(l.Workload.Clients(), time.Now)
	count := &hand{Log: live, kind: Rest}
	began := time.Now()
	drove := l.drive(ctx, server, 0, count)
	r.took, r.replies = time.Since(began), count.replies
	switch {
	case drove.broke:
		err = fmt.Errorf("the server ended although nothing had gone wrong: %s", server.Output())
	case drove.silent:
		err = fmt.Errorf("%w: %s", subject.ErrSilent, server.Output())
	default:
		err = drove.err
	}
	if err == nil && clean {
		err = server.(terminator).Terminate()
	}
	if err := errors.Join(err, server.Kill(), ctx.Err()); err != nil {
		return nil, fmt.Errorf("a run without a fault: %w", err)
	}
	killed, durable := l.Killed, l.Policy
	if clean {
		killed, durable = traffic.Always, traffic.Always // who ends in peace has no excuse
	}
	var errs [2]error
	r.history, errs[0] = live.History(killed)
	r.durable, errs[1] = live.History(durable)
	if err := errors.Join(append(errs[:], took(r.history))...); err != nil {
		return nil, err
	}
	if r.files, err = list(r.dir); err != nil {
		return nil, err
	}
	l.rested[clean] = r
	return r, nil
}

// rest damages a copy of what a run left, and judges what the server makes of it.
func (l *lab) rest(ctx context.Context, x experiment) (result Result, err error) {
	r, err := l.leave(ctx, x.clean)
	if err != nil {
		return Result{}, err
	}
	if r.cannot != "" {
		return Result{Outcome: Impossible, Reason: r.cannot}, nil
	}
	at := slices.IndexFunc(r.files, func(f file) bool { return f.path == x.file })
	if at < 0 || x.offset >= r.files[at].size {
		return Result{Outcome: Unreached, Reason: fmt.Sprintf("this time there is no byte %d of %s", x.offset, x.file)}, nil
	}
	dir, err := l.room()
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := copyDir(dir, r.dir); err != nil {
		return Result{}, err
	}
	changed, err := spoil(filepath.Join(dir, filepath.FromSlash(x.file)), x)
	if err != nil {
		return Result{}, err
	}
	if !changed {
		return Result{Outcome: Unreached, Reason: "the sector is zeros already"}, nil
	}
	pardon := r.durable
	if reach, could := tornReach(r.files[at], x, lastBatch(r.history)); could {
		pardon = forgive(r.durable, reach)
	}
	result, err = l.judge(ctx, dir, r.history, pardon)
	switch result.Outcome {
	case Ended: // when it came to what is damaged
		result.Outcome = Refused
	case Broken, TornEnd:
		result.Reason = fmt.Sprintf("%s holds data up to byte %d", x.file, r.files[at].end)
	}
	return result, err
}

// spoil does the damage, and reports whether it made a difference.
func spoil(path string, x experiment) (changed bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false, fmt.Errorf("damaging a file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buf := make([]byte, 1)
	if x.zero {
		buf = make([]byte, sector)
	}
	n, err := f.ReadAt(buf, x.offset)
	if err != nil && !(errors.Is(err, io.EOF) && n > 0) {
		return false, fmt.Errorf("damaging %s at %d: %w", path, x.offset, err)
	}
	buf = buf[:n]
	before := slices.Clone(buf)
	if x.zero {
		clear(buf)
	} else {
		buf[0] ^= 1 << x.bit
	}
	if _, err := f.WriteAt(buf, x.offset); err != nil {
		return false, fmt.Errorf("damaging %s at %d: %w", path, x.offset, err)
	}
	return !slices.Equal(before, buf), nil
}

const (
	// tornEnd is how near to the end of a file's data a bit can be in the last batch, in bytes, however small that is: what
	// a server writes by itself, such as what lapsed, may lie behind it.
	tornEnd = 4096
	// recordHead is about what a record takes besides its words, in bytes: a length, a checksum, a number.
	recordHead = 32
)

// tornReach says whether the damage may look like a torn end, and how many bytes may be missing then besides the last
// batch: all that lay in a lost sector, if no record after it is whole. What the batch takes at most is in batch.
func tornReach(f file, x experiment, batch int64) (reach int64, could bool) {
	if !x.zero {
		return 0, x.offset >= f.end-max(tornEnd, batch) && x.offset < f.end
	}
	return f.end - x.offset, x.offset < f.end && f.end-x.offset-sector < batch
}

// newest is when the newest write was asked for that certainly left a record; 0 if none did. What was answered before is
// on disk by then, and the record can say so.
func newest(h *workload.History) uint64 {
	for i := len(h.Ops) - 1; i >= 0; i-- { // they are in the order of their calls
		if op := &h.Ops[i]; op.Acked && leaves(op) {
			return op.Call
		}
	}
	return 0
}

// lastBatch is how many bytes of a log may take at most what was written together with the newest write. What a command
// becomes in a log may be longer than itself: twice is allowed.
func lastBatch(h *workload.History) (bytes int64) {
	from := newest(h)
	for i := range h.Ops {
		if op := &h.Ops[i]; op.Acked && op.Return > from && !op.ReadsOnly() {
			bytes += 2*size(op) + recordHead*int64(1+len(op.Body))
		}
	}
	return bytes
}

// forgive is the history of a server that lost the end of its log: the newest write, what was written together with it,
// and, before it, as many writes as fit into so many bytes. What was read since they began does not count: it may have
// shown them.
func forgive(h *workload.History, bytes int64) *workload.History {
	from := newest(h)
	for i := len(h.Ops) - 1; i >= 0 && bytes > 0; i-- {
		if op := &h.Ops[i]; op.Call < from && op.Acked && leaves(op) {
			bytes -= size(op)
			from = op.Call
		}
	}
	cut := *h
	cut.Ops = nil
	for _, op := range h.Ops {
		if op.Acked && op.Return > from {
			if op.ReadsOnly() {
				continue
			}
			op.Fate = workload.May
		}
		cut.Ops = append(cut.Ops, op)
	}
	return &cut
}

// leaves reports whether an answered operation certainly left a record in a log: a write that changed nothing, or failed,
// did not.
func leaves(op *workload.Op) bool {
	if len(op.Body) == 0 {
		return changes(op.Args, op.Reply)
	}
	for i, args := range op.Body {
		if i < len(op.Reply.Elems) && changes(args, op.Reply.Elems[i]) {
			return true
		}
	}
	return false
}

// changes reports whether the reply shows that a request changed something: something was counted, taken, or done. Of a
// command whose replies do not tell it says no.
func changes(args [][]byte, reply resp.Reply) bool {
	switch strings.ToUpper(string(args[0])) {
	case "GETEX", "HGETEX", "LTRIM", "APPEND", "SETRANGE", "BITFIELD", "EVAL", "EVALSHA", "FCALL", "FUNCTION", "SCRIPT", "FLUSHALL", "FLUSHDB", "PFCOUNT":
		return false
	}
	return !workload.ReadsOnly(args) && tells(reply)
}

// tells reports whether a reply has something other than errors, nothing, and numbers up to 0.
func tells(reply resp.Reply) bool {
	switch {
	case reply.Null, reply.Err() != nil:
		return false
	case reply.Kind == ':':
		return reply.Int > 0
	case reply.Kind == '+':
		return true
	}
	return len(reply.Str) > 0 || slices.ContainsFunc(reply.Elems, tells)
}

// size is the least that an operation takes in a log, in bytes.
func size(op *workload.Op) int64 {
	n := 0
	for _, args := range slices.Concat(op.Body, [][][]byte{op.Args}) {
		for _, a := range args {
			n += len(a)
		}
	}
	return int64(n)
}

// damages picks damages of each region of each file: its first sector, the middle, the last sector that has data, and
// the zeros after it. Of each region it flips some bits, and zeros a sector.
func damages(r *rested, clean bool, each int, rng *rand.Rand) []experiment {
	var all []experiment
	for _, f := range r.files {
		last := max(0, f.end-sector)
		for _, region := range [][2]int64{{0, min(sector, f.end)}, {sector, last}, {last, f.end}, {f.end, f.size}} {
			width := region[1] - region[0]
			if width <= 0 {
				continue
			}
			for range each {
				all = append(all, experiment{kind: Rest, clean: clean, file: f.path,
					offset: region[0] + rng.Int64N(width), bit: rng.IntN(8)})
			}
			if region[0] < f.end {
				at := region[0] + rng.Int64N(width)
				all = append(all, experiment{kind: Rest, clean: clean, zero: true, file: f.path, offset: at - at%sector})
			}
		}
	}
	return unique(all)
}

// unique drops what comes a second time: regions of a small file overlap.
func unique(all []experiment) []experiment {
	seen := map[experiment]bool{}
	return slices.DeleteFunc(all, func(x experiment) bool {
		again := seen[x]
		seen[x] = true
		return again
	})
}

// list lists the regular files of a directory that have a byte, by name.
func list(dir string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f := file{path: filepath.ToSlash(name)}
		if err := blocks(path, func(off int64, block []byte) error {
			f.size = off + int64(len(block))
			if n := dataEnd(block); n > 0 {
				f.end = off + int64(n)
			}
			return nil
		}); err != nil {
			return err
		}
		if f.size > 0 {
			files = append(files, f)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking at what the server left: %w", err)
	}
	return files, nil
}

func dataEnd(block []byte) int {
	n := len(block)
	for n > 0 && block[n-1] == 0 {
		n--
	}
	return n
}
