package hashes

// PackedSize is how many bytes a hash takes as one run. A large hash is none, nor is one with deadlines packed; both
// are 0.
func (h *Hash) PackedSize() int {
	if h.large != nil || h.run.timed() > 0 {
		return 0
	}
	return len(h.run)
}

// AppendPacked appends the run of a hash that has one: what Unpack takes.
func (h *Hash) AppendPacked(dst []byte) []byte { return append(dst, h.run...) }

// Unpack makes a hash of a run, which it keeps, and changes as far as its capacity reaches.
func Unpack(b []byte) *Hash { return &Hash{run: b} }
