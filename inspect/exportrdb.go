package inspect

import (
	"io"
	"strconv"

	"holdfast/rdb"
)

// RDBPlan is what has to be known of a source before it is written as an RDB file.
type RDBPlan struct {
	version int
	dbs     []plannedDB
}

// plannedDB counts a database.
type plannedDB struct {
	db          int
	keys, timed int64
}

// PlanRDB looks at the keys that a filter selects, without reading values. A file with fields that have deadlines is of the
// version of Redis 7.4; any other is one that Redis 7.0 reads.
func PlanRDB(s Source, f KeyFilter) (RDBPlan, error) {
	p := RDBPlan{version: rdb.Version70}
	f.Limit = 0
	err := eachSelected(s, f, func(e *Entry) error {
		if n := len(p.dbs); n == 0 || p.dbs[n-1].db != e.DB {
			p.dbs = append(p.dbs, plannedDB{db: e.DB})
		}
		db := &p.dbs[len(p.dbs)-1]
		db.keys++
		if e.Deadline != 0 {
			db.timed++
		}
		if e.Lapse != 0 {
			p.version = rdb.Version74
		}
		return nil
	})
	return p, err
}

// RDB writes entries as an RDB file.
type RDB struct {
	w    *rdb.Writer
	plan RDBPlan
	next int // of the plan's databases
	db   int
}

// NewRDB begins an RDB file as planned. seconds is when the data was as it is, 0 if that is not known.
func NewRDB(w io.Writer, plan RDBPlan, seconds int64, compress bool) (*RDB, error) {
	x := &RDB{w: rdb.NewWriter(w, plan.version), plan: plan, db: -1}
	x.w.Compress = compress
	aux := [][2]string{{"redis-ver", "7.0.15"}, {"redis-bits", "64"}, {"holdfast", "export"}}
	if seconds != 0 {
		aux = append(aux, [2]string{"ctime", strconv.FormatInt(seconds, 10)})
	}
	for _, a := range aux {
		if err := x.w.Aux(a[0], a[1]); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// Entry writes a key.
func (x *RDB) Entry(e *Entry) error {
	if e.DB != x.db {
		size := plannedDB{db: e.DB}
		if x.next < len(x.plan.dbs) && x.plan.dbs[x.next].db == e.DB {
			size = x.plan.dbs[x.next]
			x.next++
		}
		if err := x.w.DB(e.DB, size.keys, size.timed); err != nil {
			return err
		}
		x.db = e.DB
	}
	k := rdb.Key{Name: e.Key, Deadline: e.Deadline, Kind: e.Kind, Lapse: e.Lapse, Summary: e.Summary}
	if n := e.LongText(); n > 0 && !x.w.Compress { // compressed it has to be whole
		return x.w.PutText(k, n, e.Pieces)
	}
	return x.w.Put(k, e.Value.Walk)
}

// End ends the file.
func (x *RDB) End() error { return x.w.End() }
