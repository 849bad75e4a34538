package workload

import "strconv"

const (
	// recordFields is how many fields a hash may have beside the one that counts; none has another name.
	recordFields = 24
	// countField has no deadline, ever. Where it was just counted, its hash is certainly there.
	countField = "n"
)

func recordField(i int) string { return "f" + strconv.Itoa(i) }

// recordNames are all fields that a hash may have.
func recordNames() []string {
	names := []string{countField}
	for i := range recordFields {
		names = append(names, recordField(i))
	}
	return names
}

// records are hashes: fields that come, go, lapse and are counted, and deadlines of fields that stay. Some lie in parts.
func records() family {
	slots := []slot{{"hash:{%d}:a", record}, {"hash:{%d}:b", record}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		k, n := s.of(g.keys), strconv.Itoa(1+s.rng.IntN(9))
		f, f2 := recordField(s.pick(recordFields)), recordField(s.pick(recordFields))
		v := s.unique() + padding([]int{0, 0, 0, elementBytes, journalBytes}[s.rng.IntN(5)])
		switch s.rng.IntN(18) {
		case 0, 1, 2:
			return one("HSET", k, f, v)
		case 3, 4:
			return one("HSET", k, f, v, f2, s.unique())
		case 5:
			return one("HDEL", k, f, f2)
		case 6:
			return one("HGETALL", k)
		case 7:
			return one("HMGET", k, f, f2, countField)
		case 8, 9:
			return one("HINCRBY", k, countField, n)
		case 10:
			return s.movedRecord(g, n)
		default:
			return s.timed(k, f, f2, v)
		}
	}}
}

// timed is about deadlines of fields.
func (s *stream) timed(k, f, f2, v string) [][][]byte {
	far := s.millis(year2100)
	switch s.rng.IntN(11) {
	case 0:
		return one("HPEXPIRE", k, s.short(), "FIELDS", "1", f)
	case 1, 2:
		return one("HPEXPIREAT", k, far, "FIELDS", "2", f, f2)
	case 3:
		return one("HPERSIST", k, "FIELDS", "1", f)
	case 4:
		return one("HSETEX", k, "PX", s.short(), "FIELDS", "1", f, v)
	case 5:
		return one("HSETEX", k, "PXAT", far, "FIELDS", "2", f, v, f2, s.unique())
	case 6:
		return one("HSETEX", k, "KEEPTTL", "FIELDS", "1", f, v)
	case 7:
		return one("HGETEX", k, "PXAT", far, "FIELDS", "1", f)
	case 8:
		return one("HGETDEL", k, "FIELDS", "1", f)
	case 9:
		return [][][]byte{request("MULTI"), request("HSET", k, f, v), request("HPEXPIREAT", k, far, "FIELDS", "1", f), request("EXEC")}
	default:
		return one("HPEXPIRETIME", k, "FIELDS", "2", f, f2)
	}
}

// movedRecord renames, copies or deletes a hash, which is there, as it has just been counted.
func (s *stream) movedRecord(g *group, n string) [][][]byte {
	a, b := s.two(g.keys)
	change := request("RENAME", a, b)
	switch s.rng.IntN(4) {
	case 0:
		change = request("DEL", a)
	case 1, 2:
		change = request("COPY", a, b, "REPLACE")
	}
	return [][][]byte{request("MULTI"), request("HINCRBY", a, countField, n), change, request("EXEC")}
}
