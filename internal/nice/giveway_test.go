package nice

import (
	"testing"
	"time"
)

// However long others take, the work has its share.
func TestWhoGivesWayHasAShare(t *testing.T) {
	var w Way
	from := time.Now()
	to := from.Add(80 * time.Millisecond)
	w.waited(from, to)
	if worked := w.mine.Sub(to); worked != 10*time.Millisecond || worked*wayShare != w.mine.Sub(from) {
		t.Errorf("after a wait of %v the work goes on for %v", to.Sub(from), worked)
	}
	w.mine = time.Now().Add(time.Hour)
	mine := w.mine
	if w.Give(); w.mine != mine {
		t.Error("gave way before its share was over")
	}
	w.mine = time.Time{}
	if w.Give(); w.mine.IsZero() {
		t.Error("did not give way")
	}
}
