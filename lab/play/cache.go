package play

import (
	"crypto/sha256"
	"sync"

	"holdfast/lab/traffic"
	"holdfast/lab/workload"
	"holdfast/resp"
)

// shown is what a server showed of one directory. It does not depend on where in the trace the crash was, so it can be
// judged again for a later point that leaves the same directory.
type shown struct {
	// outcome is Sound when the replies could be read; how they are to be judged is another matter.
	outcome  Outcome
	reason   string
	findings []workload.Finding

	replies []resp.Reply
	sum     [sha256.Size]byte // of the replies
	size    int               // bytes of them
	seen    int64             // unix ms
}

// read takes replies and their sum.
func (s *shown) read(replies []resp.Reply) {
	h := sha256.New()
	var buf []byte
	for _, r := range replies {
		buf = traffic.AppendReply(buf[:0], r)
		s.size += len(buf)
		h.Write(buf)
	}
	s.replies, s.sum = replies, [sha256.Size]byte(h.Sum(nil))
}

// digest is a disk.Crash's fingerprint of a directory.
type digest = [32]byte

// cacheMax bounds what the cache holds, in bytes of replies; what a Reply takes besides is some ten times as much where
// they are short. Equal directories are mostly near one another in a trace, so that the oldest may go first.
const cacheMax = 16 << 20

// cache remembers what servers showed, by the directory's digest. Who asks for one that another is just finding out waits
// for it.
type cache struct {
	mu    sync.Mutex // guards what follows
	by    map[digest]*entry
	order []digest
	size  int
}

type entry struct {
	done  chan struct{} // closed when shown is there, or nobody will see to it
	shown *shown        // nil: nobody will
}

func newCache() *cache { return &cache{by: map[digest]*entry{}} }

// get returns what is known of a directory, or nil to the one who is to find it out, and must put it then.
func (c *cache) get(d digest) *shown {
	for {
		c.mu.Lock()
		e := c.by[d]
		if e == nil {
			c.by[d] = &entry{done: make(chan struct{})}
			c.mu.Unlock()
			return nil
		}
		c.mu.Unlock()
		<-e.done
		if e.shown != nil {
			return e.shown
		}
	}
}

// put ends what a get that returned nil began; s is nil if nothing was found out.
func (c *cache) put(d digest, s *shown) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.by[d]
	e.shown = s
	close(e.done)
	if s == nil {
		delete(c.by, d)
		return
	}
	c.order = append(c.order, d)
	c.size += s.size + entrySize
	for c.size > cacheMax && len(c.order) > 1 {
		oldest := c.order[0]
		c.order = c.order[1:]
		c.size -= c.by[oldest].shown.size + entrySize
		delete(c.by, oldest)
	}
}

// entrySize is what an entry without replies counts, in bytes.
const entrySize = 256
