package subject

import (
	"bytes"
	"sync"
)

// tailMax is how much of a server's output is kept, in bytes.
const tailMax = 64 << 10

// tail is a writer that keeps the newest of what is written. It is safe for concurrent use.
type tail struct {
	mu  sync.Mutex // guards what follows
	buf []byte     // at most twice as much as is kept
	cut bool
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(p) > tailMax {
		t.cut, t.buf = true, append(t.buf[:0], p[len(p)-tailMax:]...)
		return len(p), nil
	}
	if len(t.buf)+len(p) > 2*tailMax {
		t.cut = true
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailMax:]...)
	}
	t.buf = append(t.buf, p...)
	return len(p), nil
}

// String is what is kept, from the beginning of a line on.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept, cut := t.buf, t.cut
	if len(kept) > tailMax {
		kept, cut = kept[len(kept)-tailMax:], true
	}
	if _, rest, found := bytes.Cut(kept, []byte("\n")); cut && found {
		kept = rest
	}
	return string(kept)
}
