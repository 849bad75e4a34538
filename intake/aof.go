package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
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
}

// errTorn says that the file ends within a command.
var errTorn = errors.New("the file ends within a command")

// run reads to the end. It begins in database 0, as each file of an AOF chooses its own.
func (r *aofReader) run() error {
	const often = 1 << 10
	for n := 1; ; n++ {
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
			return r.h.bad(err)
		}
		if err := r.take(begin, args); err != nil {
			return err
		}
	}
}

// torn is the end of a file within a command, or within a transaction.
func (r *aofReader) torn(begin int64) error {
	if r.last {
		r.h.told(fmt.Sprintf("%s ends with %d bytes of a command or transaction that was never written to its end, which are left out", r.name, r.off-begin))
		return nil
	}
	return r.h.bad(r.damage(begin, "the file ends within a command, and another file follows"))
}

func (r *aofReader) damage(at int64, why string) error {
	return &DamageError{File: r.name, Where: fmt.Sprintf("offset %d", at), Reason: why}
}

// take deals with a command.
func (r *aofReader) take(begin int64, args [][]byte) error {
	is := func(name string) bool { return bytes.EqualFold(args[0], []byte(name)) }
	switch {
	case is("SELECT") && len(args) == 2:
		db, err := strconv.ParseUint(string(args[1]), 10, 31)
		if err != nil {
			return r.h.bad(r.damage(begin, fmt.Sprintf("%.20q is no database", args[1])))
		}
		r.db = int(db)
		return nil
	case is("MULTI"):
		r.multi, r.began, r.group = true, begin, r.group[:0]
		return nil
	case is("EXEC"):
		r.multi = false
		for i := range r.group {
			if err := r.h.command(&r.group[i]); err != nil {
				return err
			}
		}
		r.group = r.group[:0]
		return nil
	}
	c := Command{DB: r.db, Args: args, file: r.name, unit: "offset", at: begin}
	if r.multi {
		r.group = append(r.group, c)
		return nil
	}
	return r.h.command(&c)
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
		n, err := r.count('*', argsMax)
		switch {
		case err != nil:
			return nil, err
		case n == 0:
			return nil, r.damage(at, "a command without a name")
		}
		args := make([][]byte, 0, min(n, 64))
		for range n {
			size, err := r.count('$', bulkMax)
			if err != nil {
				return nil, err
			}
			arg, err := r.bulk(size)
			if err != nil {
				return nil, err
			}
			args = append(args, arg)
		}
		return args, nil
	}
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

// count reads a number behind a mark.
func (r *aofReader) count(mark byte, most int) (int, error) {
	at := r.off
	line, err := r.line(lineMax)
	if err != nil {
		return 0, err
	}
	if len(line) < 2 || line[0] != mark {
		return 0, r.damage(at, fmt.Sprintf("%q where a command should go on with %q", line, mark))
	}
	n, err := strconv.ParseUint(string(line[1:]), 10, 63)
	if err != nil || n > uint64(most) || n > math.MaxInt {
		return 0, r.damage(at, fmt.Sprintf("%q is no number from 0 to %d", line[1:], most))
	}
	return int(n), nil
}

// bulk reads an argument and the line's end behind it. It makes room as the bytes come.
func (r *aofReader) bulk(size int) ([]byte, error) {
	const piece = 1 << 20
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
	if b[size] != '\r' || b[size+1] != '\n' {
		return nil, r.damage(r.off-2, "an argument does not end where it should")
	}
	return b[:size:size], nil
}
