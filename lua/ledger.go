package lua

import (
	"cmp"
	"errors"
	"maps"
	"runtime/metrics"
	"slices"
	"time"
)

// What functions of a library keep from call to call (variables of the library, and tables that grow) is bounded as a whole.
// Nothing is counted while they run. When the collector has been at work and as much has been made on the heap as would be too
// much together with what was kept the last time, whoever made it, libraries are measured (kept.go); if they keep too much, those that have
// grown most are forgotten. Their code is known, and is run again for the next call.
//
// Rejected: to count what each function makes and lets go, which Go's collector does not tell; to end the function that comes upon the
// bound, which may be another library's, and would be told each time.

// ledger is what was found when libraries were last measured.
type ledger struct {
	made   int64 // bytes on the heap, ever
	due    int64 // so many more, and they are measured again
	ended  time.Time
	took   time.Duration
	sample [1]metrics.Sample
}

// Bound makes libraries forget what their functions keep, where it is more than the memory that scripts may take, and returns
// those that have forgotten it. Mostly it finds at once that there is no need to look.
func (m *Machine) Bound(libraries map[string]*Library) (forgotten []*Library) {
	if !m.worked {
		return nil
	}
	limit := m.o.Memory()
	since, began := m.madeEver()-m.ledger.made, time.Now()
	switch {
	case limit == 0 || m.ledger.made > 0 && since < m.ledger.due:
		m.worked = false
		return nil
	case began.Sub(m.ledger.ended) < restShare*m.ledger.took && since < limit/2:
		return nil // it is due all the same, a little later
	}
	m.worked = false
	forgotten, m.ledger.due = m.measure(libraries, limit)
	m.ledger.ended, m.ledger.took = time.Now(), time.Since(began)
	m.ledger.made = m.madeEver() // what measuring made is no library's
	return forgotten
}

// restShare bounds how much of the time goes into measuring: one part of so many, unless half as much as libraries may keep has
// been made meanwhile. (Without that, in 20 times what it takes to look at what is kept, several times as much can be made.)
const restShare = 20

// measure walks libraries, up to twice the limit altogether, and makes some of those that it came to forget. due is how much may be made
// before the next time.
func (m *Machine) measure(libraries map[string]*Library, limit int64) (forgotten []*Library, due int64) {
	libs := slices.SortedFunc(maps.Values(libraries), func(a, b *Library) int { return cmp.Compare(a.Name, b.Name) })
	total := int64(0)
	whole := true
	for i, lib := range libs {
		if whole = total < 2*limit; !whole {
			libs = libs[:i]
			break
		}
		lib.kept = m.kept(lib, min(limit, 2*limit-total))
		total += lib.kept
	}
	for total > limit {
		most := slices.MaxFunc(libs, func(a, b *Library) int { return cmp.Compare(a.grown(), b.grown()) })
		if most.grown() <= 0 {
			break // it is all of their loading
		}
		most.forget()
		total -= most.kept
		most.kept = 0
		forgotten = append(forgotten, most)
	}
	if due = limit / collectShare; whole {
		due = max(due, limit-total)
	}
	return forgotten, due
}

func (m *Machine) madeEver() int64 {
	m.ledger.sample[0].Name = "/gc/heap/allocs:bytes"
	metrics.Read(m.ledger.sample[:])
	return int64(m.ledger.sample[0].Value.Uint64())
}

func (lib *Library) grown() int64 { return lib.kept - lib.loaded }

// Loaded is how many bytes its functions keep, roughly, before the first call.
func (lib *Library) Loaded() int64 { return lib.loaded }

// forget lets go of the functions, and of what they hold.
func (lib *Library) forget() {
	for _, f := range lib.Functions {
		f.f = nil
	}
}

// Forgotten says that the function's library has to be loaded again before it can run.
func (f *Function) Forgotten() bool { return f.f == nil }

// Reload runs the code of a library again that has forgotten what it kept. The error's text is the reply.
func (m *Machine) Reload(lib *Library, host Host) error {
	again, err := m.Load(lib.Code, host)
	if err != nil {
		return err
	}
	sameName := func(a, b *Function) bool { return a.Name == b.Name } // both lists are by name
	if !slices.EqualFunc(lib.Functions, again.Functions, sameName) {
		return errors.New("ERR Error registering functions: the library registers other functions than before")
	}
	for i, f := range lib.Functions {
		f.f = again.Functions[i].f
	}
	lib.kept, lib.loaded = again.kept, again.loaded
	return nil
}
