package engine_test

import (
	"fmt"
	"strconv"
	"testing"
)

// What deleted keys leave free in their pages comes together at rest, without anybody asking for it.
func TestKeysMoveTogetherAtRest(t *testing.T) {
	t.Parallel()
	const keys = 40_000
	r := open(t, setup{})
	var batch [][][]byte
	for i := range keys {
		batch = append(batch, words(fmt.Sprintf("SET key:%d %064d", i, i)))
	}
	for i := range keys {
		if i%4 > 0 {
			batch = append(batch, words(fmt.Sprintf("DEL key:%d", i)))
		}
	}
	r.run(r.user, batch...)
	r.until("the blocks of keys have moved", func() bool {
		moved, err := strconv.Atoi(r.info("active_defrag_hits"))
		return err == nil && moved > keys/16
	})
	for i := range keys {
		if want := fmt.Sprintf("$64 %064d", i); i%4 == 0 {
			r.expect(fmt.Sprintf("GET key:%d", i), want)
		}
	}
	r.mustClose(false)
}
