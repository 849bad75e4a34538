package snapshot

import "maps"

// places says where buckets begin, as one transaction sees it. Between two commits every lookup would find the same:
// remembering it saves a lookup a tenth of its time and a third of its allocations.
type places struct {
	txid int
	root uint64 // page; with txid for the case of a commit that failed after readers had seen it
	of   map[bucketID]place
}

type bucketID struct {
	table table
	store Store
}

type place struct {
	bucket string
	root   uint64
}

func (v *view) place(root uint64, id bucketID) (place, bool) {
	if v.places == nil {
		return place{}, false
	}
	known := v.places.Load()
	if known == nil || known.txid != v.txid || known.root != root {
		return place{}, false
	}
	p, ok := known.of[id]
	return p, ok
}

// remember notes where a bucket was found. A small one lies inline in a mapped page, and the mapping may move.
func (v *view) remember(root uint64, id bucketID, t *tree) {
	if v.places == nil || t.inline != nil {
		return
	}
	now := &places{v.txid, root, map[bucketID]place{}}
	if known := v.places.Load(); known != nil && known.txid == v.txid && known.root == root {
		maps.Copy(now.of, known.of)
	}
	now.of[id] = place{t.bucket, t.root}
	v.places.Store(now) // what another goroutine stored meanwhile is looked up again
}
