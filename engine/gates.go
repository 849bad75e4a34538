package engine

// gates knows, roughly and cheaply, the newest log record that touched a key: one number for each of many groups of
// keys, by hash. A read's reply may leave when the log has passed the number of its key: what it shows cannot be
// taken back by a crash then. Two keys in one group only make a reply wait that need not have.
type gates struct {
	groups [1 << 12]uint64
	all    uint64 // the newest record that touched a whole database
}

func (g *gates) touch(hash, lsn uint64) { g.groups[hash%uint64(len(g.groups))] = lsn }
func (g *gates) touchAll(lsn uint64)    { g.all = lsn }
func (g *gates) of(hash uint64) uint64  { return max(g.all, g.groups[hash%uint64(len(g.groups))]) }
