package fault

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// experiment is what a name says.
type experiment struct {
	kind Kind

	// Error: the n-th call of a kind fails, and those after it if always; counted from the start of the server if start.
	fails  string // eio or enospc
	call   string // write, fsync, rename or fallocate
	always bool
	start  bool
	n      int // also the reply at which Kill and Pause come

	op    int           // Kill: the file operation at which it comes
	after time.Duration // Kill: when it comes; Pause: how long it is; Slow: how long a sync takes

	// Rest.
	clean  bool
	zero   bool // a sector, and not a bit
	offset int64
	bit    int
	file   string // slash-separated, within the data directory
}

// calls are those that can fail, and failures how.
func calls() []string    { return []string{"write", "fsync", "rename", "fallocate"} }
func failures() []string { return []string{"eio", "enospc"} }

func (x experiment) String() string {
	switch x.kind {
	case Error:
		return fmt.Sprintf("%s/%s/%d/%s%s", x.fails, x.call, x.n, word(x.always, "on", "once"), word(x.start, "/start", ""))
	case Slow:
		return fmt.Sprintf("slow/%v", x.after)
	case Kill:
		switch {
		case x.op > 0:
			return fmt.Sprintf("kill/op/%d", x.op)
		case x.n > 0:
			return fmt.Sprintf("kill/reply/%d", x.n)
		}
		return fmt.Sprintf("kill/after/%v", x.after)
	case Pause:
		return fmt.Sprintf("pause/reply/%d/%v", x.n, x.after)
	default:
		ended := word(x.clean, "clean", "killed")
		if x.zero {
			return fmt.Sprintf("rest/%s/zero/%d/%s", ended, x.offset, x.file)
		}
		return fmt.Sprintf("rest/%s/flip/%d.%d/%s", ended, x.offset, x.bit, x.file)
	}
}

func word[T any](which bool, yes, no T) T {
	if which {
		return yes
	}
	return no
}

// parse is the inverse of String.
func parse(name string) (experiment, error) {
	p := words{rest: strings.Split(name, "/")}
	x, ok := p.experiment()
	if !ok || p.bad || len(p.rest) > 0 || x.String() != name {
		return experiment{}, fmt.Errorf("%q is %w: names are such as eio/fsync/17/once, slow/100ms, kill/reply/137, "+
			"pause/reply/50/300ms, rest/killed/flip/1234.5/FILE", name, ErrName)
	}
	return x, nil
}

// words cuts a name into its words.
type words struct {
	rest []string
	bad  bool
}

func (p *words) next() string {
	if len(p.rest) == 0 {
		p.bad = true
		return ""
	}
	w := p.rest[0]
	p.rest = p.rest[1:]
	return w
}

func (p *words) number() int {
	n, err := strconv.Atoi(p.next())
	p.bad = p.bad || err != nil || n < 1
	return n
}

func (p *words) duration() time.Duration {
	d, err := time.ParseDuration(p.next())
	p.bad = p.bad || err != nil || d < 0
	return d
}

// is reports which of two words comes.
func (p *words) is(yes, no string) bool {
	w := p.next()
	p.bad = p.bad || w != yes && w != no
	return w == yes
}

func (p *words) experiment() (x experiment, ok bool) {
	first := p.next()
	switch first {
	case "eio", "enospc":
		x = experiment{kind: Error, fails: first, call: p.next(), n: p.number(), always: p.is("on", "once")}
		if len(p.rest) > 0 {
			x.start = p.is("start", "start")
		}
		return x, slices.Contains(calls(), x.call)
	case "slow":
		return experiment{kind: Slow, after: p.duration()}, true
	case "kill":
		x = experiment{kind: Kill}
		switch p.next() {
		case "op":
			x.op = p.number()
		case "reply":
			x.n = p.number()
		case "after":
			x.after = p.duration()
		default:
			return x, false
		}
		return x, true
	case "pause":
		return experiment{kind: Pause, n: p.reply(), after: p.duration()}, true
	case "rest":
		return p.damage(), true
	}
	return x, false
}

func (p *words) reply() int {
	p.is("reply", "reply")
	return p.number()
}

func (p *words) damage() experiment {
	x := experiment{kind: Rest, clean: p.is("clean", "killed"), zero: p.is("zero", "flip")}
	at, bit, flip := strings.Cut(p.next(), ".")
	var err error
	if x.offset, err = strconv.ParseInt(at, 10, 64); err != nil || x.offset < 0 || flip == x.zero {
		p.bad = true
	}
	if flip {
		x.bit, err = strconv.Atoi(bit)
		p.bad = p.bad || err != nil || x.bit < 0 || x.bit > 7
	}
	x.file = strings.Join(p.rest, "/")
	p.bad = p.bad || !filepath.IsLocal(filepath.FromSlash(x.file))
	p.rest = nil
	return x
}
