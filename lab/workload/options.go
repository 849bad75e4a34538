package workload

import (
	"errors"
	"fmt"
	"strings"
)

// Options say how much a workload does. What is zero is as in the comments.
type Options struct {
	Clients  int // connections, the operator's not counted: 6, at most 60
	Requests int // of each connection, about: 300, at most 100,000
	Keys     int // about: 96, at most 10,000
	// Checkpoints adds a connection that asks for BGSAVE and BGREWRITEAOF every so often; "mixed" always has it.
	Checkpoints bool
}

var (
	// ErrUnknown says that there is no workload of this name.
	ErrUnknown = errors.New("no such workload")
	// ErrOptions says that a number is out of its bounds.
	ErrOptions = errors.New("workload out of bounds")
)

// About names a workload and says in a line what it does.
type About struct{ Name, Line string }

// design is a workload by its families of keys.
type design struct {
	About
	families []family
	operator bool
}

func designs() []design {
	each := []design{
		{About{"counters", "INCR, INCRBY, DECR and GET on counters, some of them hot"}, []family{counters()}, false},
		{About{"registers", "unique values by SET, MSET, GETSET and GETDEL, and who reads them"}, []family{registers()}, false},
		{About{"lists", "unique elements pushed, popped and moved between lists, one of them too big for one part"},
			[]family{lists(), big()}, false},
		{About{"accounts", "transactions that move amounts between accounts and write a journal; the total is constant"},
			[]family{accounts()}, false},
		{About{"ttls", "times to live that lapse meanwhile, and deadlines in 2100 that must stay to the millisecond"},
			[]family{ttls()}, false},
		{About{"sets", "sets whose members come, go and move, and sets made of others"}, []family{clubs()}, false},
		{About{"rankings", "sorted sets whose members come and go, and whose scores are counted"}, []family{rankings()}, false},
		{About{"hashes", "hashes whose fields come, go, lapse and are counted, and deadlines of fields that must stay"},
			[]family{records()}, false},
		{About{"streams", "entries added, trimmed and deleted, and a group of consumers that reads and acknowledges them"},
			[]family{journals()}, false},
		{About{"bits", "strings whose bits are set, cleared, counted on and combined"}, []family{bitmaps()}, false},
		{About{"sketches", "HyperLogLogs that are added to, counted and merged"}, []family{sketches()}, false},
		{About{"places", "places on the earth that come, move and go, and sets made of those near by"}, []family{places()}, false},
		{About{"dumps", "lists that RESTORE brings, whole and with deadlines, and that are copied and changed"}, []family{dumps()}, false},
		{About{"scripts", "scripts that write to several keys at once; libraries of functions, loaded anew and called"},
			[]family{transfers(), exchanges(), libraries()}, false},
	}
	mixed := design{About: About{"mixed", "all of these, RENAME and COPY, and an operator who asks for checkpoints"}, operator: true}
	for _, d := range each {
		mixed.families = append(mixed.families, d.families...)
	}
	mixed.families = append(mixed.families, names(), rows())
	return append(each, mixed)
}

// List lists the workloads.
func List() []About {
	var all []About
	for _, d := range designs() {
		all = append(all, d.About)
	}
	return all
}

// Names lists their names.
func Names() []string {
	var all []string
	for _, d := range designs() {
		all = append(all, d.Name)
	}
	return all
}

// New returns a workload by its name.
func New(name string, o Options) (Workload, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	for _, d := range designs() {
		if d.Name == name {
			d.operator = d.operator || o.Checkpoints
			return newStandard(d, o), nil
		}
	}
	return nil, fmt.Errorf("%w: %q; there are %s", ErrUnknown, name, strings.Join(Names(), ", "))
}

func (o *Options) fill() error {
	for _, bound := range []struct {
		what          string
		n             *int
		ordinary, max int
	}{
		{"clients", &o.Clients, 6, 60}, {"requests", &o.Requests, 300, 100_000}, {"keys", &o.Keys, 96, 10_000},
	} {
		if *bound.n == 0 {
			*bound.n = bound.ordinary
		}
		if *bound.n < 1 || *bound.n > bound.max {
			return fmt.Errorf("%w: %d %s, want 1 to %d", ErrOptions, *bound.n, bound.what, bound.max)
		}
	}
	return nil
}
