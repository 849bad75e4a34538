package snapshot

import (
	"bytes"
	"fmt"
)

// twin writes the header page anew that the last commit did not write, so that both lead to the state that there is, as they do in
// a fresh base: damage to one of them then costs nothing. Otherwise the other is of the commit before: of the checkpoint
// before, which the log may no longer go on from, or of one half applied.
//
// It is not synced: whatever a crash leaves of this page, the other one is whole. Who begins to read meanwhile sees the newer one.
// The caller holds mu.
func (b *Base) twin() error {
	return b.read("reading the header", func(v *view, _ uint64) error {
		h, err := readHeader(bytes.NewReader(v.data), int64(len(v.data)), v.file)
		if err != nil {
			return err
		}
		m := h.boltMeta
		m.txid--
		id := m.txid % 2
		p := make([]byte, m.pageSize)
		copy(p, m.page(id))
		if _, err := b.pages.WriteAt(p, int64(id)*int64(m.pageSize)); err != nil {
			return fmt.Errorf("writing the second header page: %w", err)
		}
		return nil
	})
}
