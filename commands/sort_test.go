package commands

import "testing"

func TestSortStores(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"RPUSH l 3 1 2", ":3"},
		{"SORT l STORE d", ":3"},
		{"LRANGE d 0 -1", "*3 $1 1 $1 2 $1 3"},
		{"SORT l LIMIT 0 0 STORE d", ":0"},
		{"SORT l LIMIT 0 0 STORE d", ":0"},
		{"RPUSH big 1e400 1", ":2"},
		{"SORT big", "-ERR One or more scores can't be converted into double"},
		{"SET w1 9 PX 10", "+OK"},
	})
	s.takeLog()
	s.advance(20)
	s.expect("SORT l BY w* GET w* STORE d", ":3")
	s.expectLog("DEL w1 ; SORT l BY w* GET w* STORE d")
}
