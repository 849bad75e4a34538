package snapshot

// ahead reads a source in a goroutine, some batches before they are asked for. end stops the goroutine.
type ahead struct {
	idle    chan []byte // buffers
	batches chan batch  // closed when the goroutine has ended
	stop    chan struct{}

	at   batch
	rest []byte // of at
}

// batch is entries, one behind the other, and then what the source said, if not another entry.
type batch struct {
	entries []byte
	err     error
}

const (
	batchBytes   = 256 << 10 // a batch is closed when it is this long
	batchesAhead = 3         // the one at hand among them
)

func newAhead(from source) *ahead {
	a := &ahead{idle: make(chan []byte, batchesAhead), batches: make(chan batch), stop: make(chan struct{})}
	for range batchesAhead {
		a.idle <- nil
	}
	go a.run(from)
	return a
}

func (a *ahead) run(from source) {
	defer close(a.batches)
	for {
		var b batch
		select {
		case b.entries = <-a.idle:
		case <-a.stop:
			return
		}
		for b.err == nil && len(b.entries) < batchBytes {
			var e entry
			if e, b.err = from.next(); b.err == nil {
				b.entries = append(b.entries, e...)
			}
		}
		select {
		case a.batches <- b:
		case <-a.stop:
			return
		}
		if b.err != nil {
			return
		}
	}
}

func (a *ahead) next() (entry, error) {
	for len(a.rest) == 0 {
		if a.at.err != nil {
			return nil, a.at.err
		}
		if a.at.entries != nil {
			a.idle <- a.at.entries[:0]
		}
		a.at = <-a.batches
		a.rest = a.at.entries
	}
	e := entry(a.rest)
	e, a.rest = e[:e.size():e.size()], e[e.size():]
	return e, nil
}

func (a *ahead) end() {
	close(a.stop)
	for range a.batches {
	}
}

// eachAhead is each, with fn at one entry while the next ones are read.
func eachAhead(from source, fn func(entry) error) error {
	a := newAhead(from)
	defer a.end()
	return each(a, fn)
}
