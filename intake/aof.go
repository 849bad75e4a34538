package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"holdfast/engine"
	"holdfast/internal/plural"
)

// Bounds of a command in an AOF: Redis's own.
const (
	argsMax = 1 << 20
	bulkMax = 512 << 20
	lineMax = 64
)

// aofReader reads the commands of one file of an AOF.
//
//	AOF      command … with annotations ("#TS:…") between them; MULTI … EXEC around what belongs together
//	command  *<arguments>\r\n, and for each $<bytes>\r\n<bytes>\r\n
type aofReader struct {
	name string
	in   *bufio.Reader
	off  int64 // what has been read
	last bool  // a torn end is nothing unusual
	h    handler

	db    int
	group []Command // of the MULTI at hand
	multi bool
	began int64 // where the MULTI begins

	file *io.SectionReader // that in reads, for what is to be skipped
	skip []run             // by their places

	reuse bool // what a command refers to is good until the next
	brief bool // likewise, and of each only the first arguments are kept, as far as they are short
	args  [][]byte
	room  []byte
	count int   // of the arguments of the command,
	at    int64 // and where the last of them lies,
	size  int   // with so many bytes
}

// What is kept of a command that is read in brief: its name, a key, a deadline.
const (
	briefArgs  = 3
	briefBytes = 4 << 10
)

// errTorn says that the file ends within a command.
var errTorn = errors.New("the file ends within a command")

// run reads to the end. It begins in database 0, as each file of an AOF chooses its own.
func (r *aofReader) run() error {
	const often = 1 << 10
	for n := 1; ; n++ {
		if err := r.pass(); err != nil {
			return err
		}
		begin := r.off
		args, err := r.next()
		if n%often == 0 && r.h.progress != nil {
			r.h.progress(r.off)
		}
		switch {
		case err == io.EOF && !r.multi:
			return nil
		case err == io.EOF || errors.Is(err, errTorn):
			if r.multi {
				begin = r.began
			}
			return r.torn(begin)
		case err != nil:
			if err := r.h.bad(err); err != nil {
				return err
			}
			_, from, size := r.file.Outer()
			r.h.unread(Unread{r.name, begin, from + size})
			return nil
		}
		if err := r.take(begin, args); err != nil {
			return err
		}
	}
}

// pass goes on behind what is in the base already, where that begins here.
func (r *aofReader) pass() error {
	for len(r.skip) > 0 && r.off >= r.skip[0].from {
		to := r.skip[0].to
		if r.off > r.skip[0].from {
			return fmt.Errorf("reading %s at offset %d: %w", r.name, r.off, errOther)
		}
		if _, err := r.file.Seek(to, io.SeekStart); err != nil {
			return fmt.Errorf("reading %s at offset %d: %w", r.name, to, err)
		}
		r.in.Reset(r.file)
		r.off, r.skip = to, r.skip[1:]
	}
	return nil
}

// errOther says that an AOF is not what it was when it was read before.
var errOther = errors.New("the file has changed since it was read first")

// torn is the end of a file within a command, or within a transaction.
func (r *aofReader) torn(begin int64) error {
	if r.last {
		r.h.told(fmt.Sprintf("%s ends with %s of a command or transaction that was never written to its end: left out", r.name, plural.Count(r.off-begin, "byte")))
		return nil
	}
	return r.h.bad(r.damage(begin, "the file ends within a command, and another file follows"))
}

func (r *aofReader) damage(at int64, why string) error {
	return &DamageError{File: r.name, Where: fmt.Sprintf("offset %d", at), Reason: why}
}

// databaseOf reads the number that a SELECT names.
func databaseOf(arg []byte) (db int, ok bool) {
	n, err := strconv.ParseUint(string(arg), 10, 31)
	return int(n), err == nil
}

// take deals with a command.
func (r *aofReader) take(begin int64, args [][]byte) error {
	is := func(name string) bool { return bytes.EqualFold(args[0], []byte(name)) }
	switch {
	case is("SELECT") && len(args) == 2:
		db, ok := databaseOf(args[1])
		if !ok {
			return r.h.bad(r.damage(begin, fmt.Sprintf("%.20q is no database", args[1])))
		}
		r.db = db
		return nil
	case is("MULTI"):
		r.multi, r.began, r.group = true, begin, r.group[:0]
		return nil
	case is("EXEC"):
		r.multi = false
		for i := range r.group {
			if err := r.hand(&r.group[i]); err != nil {
				return err
			}
		}
		r.group = r.group[:0]
		return nil
	}
	c := Command{DB: r.db, Args: args, at: begin}
	if r.multi {
		r.group = append(r.group, c)
		return nil
	}
	return r.hand(&c)
}

// hand hands a command on.
func (r *aofReader) hand(c *Command) error {
	err := r.h.command(c)
	if refused := (*engine.RefusedError)(nil); errors.As(err, &refused) {
		return r.h.bad(r.damage(c.at, refused.Reason))
	}
	return err
}

// next reads a command: io.EOF at the end of the file, errTorn within one.
func (r *aofReader) next() ([][]byte, error) {
	for {
		at := r.off
		first, err := r.in.Peek(1)
		if err != nil {
			return nil, r.ending(err, io.EOF)
		}
		if first[0] == '#' { // says when what follows was done
			if _, err := r.line(1 << 10); err != nil {
				return nil, err
			}
			continue
		}
		if first[0] != '*' {
			return nil, r.damage(at, fmt.Sprintf("no command begins with %q", first))
		}
		n, err := r.number('*', argsMax)
		switch {
		case err != nil:
			return nil, err
		case n == 0:
			return nil, r.damage(at, "a command without a name")
		}
		return r.arguments(n)
	}
}

// arguments reads so many.
func (r *aofReader) arguments(n int) ([][]byte, error) {
	args := r.args[:0]
	if r.room = r.room[:0]; !r.reuse && !r.brief {
		args = make([][]byte, 0, min(n, 64))
	}
	r.count = n
	for i := range n {
		size, err := r.number('$', bulkMax)
		if err != nil {
			return nil, err
		}
		r.at, r.size = r.off, size
		var arg []byte
		if r.brief && (i >= briefArgs || size > briefBytes) {
			err = r.leaveOut(size)
		} else {
			arg, err = r.bulk(size)
		}
		if err != nil {
			return nil, err
		}
		if !r.brief || i < briefArgs {
			args = append(args, arg)
		}
	}
	if r.reuse || r.brief {
		r.args = args
	}
	return args, nil
}

// leaveOut reads an argument that is not kept, and the line's end behind it.
func (r *aofReader) leaveOut(size int) error {
	n, err := r.in.Discard(size)
	if r.off += int64(n); err != nil {
		return r.ending(err, errTorn)
	}
	_, err = r.bulk(0)
	return err
}

// ending is what the end of the file comes to, or an error of the file.
func (r *aofReader) ending(err, atEnd error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return atEnd
	}
	return fmt.Errorf("reading %s at offset %d: %w", r.name, r.off, err)
}

// line reads up to a line's end, which is not part of what it returns.
func (r *aofReader) line(most int) ([]byte, error) {
	at := r.off
	line, err := r.in.ReadSlice('\n')
	r.off += int64(len(line))
	switch {
	case errors.Is(err, bufio.ErrBufferFull) || len(line) > most:
		return nil, r.damage(at, "no command begins here")
	case err != nil:
		return nil, r.ending(err, errTorn)
	case len(line) < 2 || line[len(line)-2] != '\r':
		return nil, r.damage(at, "a line that does not end as it should")
	}
	return line[:len(line)-2], nil
}

// number reads a number behind a mark.
func (r *aofReader) number(mark byte, most int) (int, error) {
	at := r.off
	line, err := r.line(lineMax)
	if err != nil {
		return 0, err
	}
	if len(line) < 2 || line[0] != mark {
		return 0, r.damage(at, fmt.Sprintf("%q where a command should go on with %q", line, mark))
	}
	n := 0
	for _, digit := range line[1:] {
		if n = 10*n + int(digit-'0'); digit < '0' || digit > '9' || n > most {
			return 0, r.damage(at, fmt.Sprintf("%q is no number from 0 to %d", line[1:], most))
		}
	}
	return n, nil
}

// bulk reads an argument and the line's end behind it. It makes room as the bytes come.
func (r *aofReader) bulk(size int) ([]byte, error) {
	const piece, short = 1 << 20, 64 << 10
	if (r.reuse || r.brief) && size <= short {
		return r.short(size)
	}
	b := make([]byte, 0, min(size+2, piece))
	for want := size + 2; len(b) < want; {
		n := min(want-len(b), piece)
		b = append(b, make([]byte, n)...)
		got, err := io.ReadFull(r.in, b[len(b)-n:])
		r.off += int64(got)
		if err != nil {
			return nil, r.ending(err, errTorn)
		}
	}
	return r.ended(b, size)
}

// ended is an argument without the line's end behind it.
func (r *aofReader) ended(b []byte, size int) ([]byte, error) {
	if b[size] != '\r' || b[size+1] != '\n' {
		return nil, r.damage(r.off-2, "an argument does not end where it should")
	}
	return b[:size:size], nil
}

// short reads a short argument into room. What that grew out of keeps the arguments before.
func (r *aofReader) short(size int) ([]byte, error) {
	b, err := r.in.Peek(size + 2)
	if err != nil {
		r.off += int64(len(b))
		return nil, r.ending(err, errTorn)
	}
	begin := len(r.room)
	r.room = append(r.room, b...)
	r.off += int64(len(b))
	if _, err := r.in.Discard(len(b)); err != nil {
		return nil, r.ending(err, errTorn)
	}
	return r.ended(r.room[begin:], size)
}
