package workload

import "strconv"

// counters: every reply of an INCR says where it stands in the order.
func counters() family {
	return family{slots: []slot{{"counter:{%d}", counter}}, burst: func(s *stream, g *group) [][][]byte {
		switch k := g.keys[0]; s.rng.IntN(6) {
		case 0:
			return one("GET", k)
		case 1:
			return one("INCRBY", k, strconv.Itoa(2+s.rng.IntN(98)))
		case 2:
			return one("DECR", k)
		default:
			return one("INCR", k)
		}
	}}
}

// registers: a SET says nothing of the order; those who read do.
func registers() family {
	slots := []slot{{"register:{%d}:a", register}, {"register:{%d}:b", register}, {"register:{%d}:c", register}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		a, b := s.two(g.keys)
		switch s.rng.IntN(12) {
		case 0, 1:
			return one("GET", a)
		case 2:
			return one("MGET", g.keys[0], g.keys[1], g.keys[2])
		case 3:
			return one("GETSET", a, s.unique())
		case 4:
			return one("GETDEL", a)
		case 5:
			return one("DEL", a, b)
		case 6, 7:
			return one("MSET", a, s.unique(), b, s.unique())
		default:
			return one("SET", a, s.unique())
		}
	}}
}

func lists() family {
	slots := []slot{{"list:{%d}:a", sequence}, {"list:{%d}:b", sequence}, {"list:{%d}:c", sequence}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		a, b := s.two(g.keys)
		side := []string{"LEFT", "RIGHT"}
		switch s.rng.IntN(12) {
		case 0, 1:
			return one("LPUSH", a, s.unique())
		case 2:
			return one("LPOP", a)
		case 3:
			return one("RPOP", a)
		case 4, 5:
			return one("LMOVE", a, b, s.of(side), s.of(side))
		case 6:
			return one("LRANGE", a, "0", "-1")
		case 7:
			return one("RPUSH", a, s.unique(), s.unique())
		case 8:
			return one("LLEN", a)
		default:
			return one("RPUSH", a, s.unique())
		}
	}}
}

// elementBytes is about the length of an element of the big list, and bulkElements how many one big push has.
const (
	elementBytes = 512
	bulkElements = 8
)

// big is one list that lies in parts, and changes at its ends and within.
func big() family {
	return family{slots: []slot{{"big:{%d}", sequence}}, single: true, burst: func(s *stream, g *group) [][][]byte {
		k, long := g.keys[0], padding(elementBytes)
		if s.bulk > 0 {
			s.bulk--
			words := []string{"RPUSH", k}
			for range bulkElements {
				words = append(words, s.unique()+long)
			}
			return one(words...)
		}
		switch s.rng.IntN(8) {
		case 0:
			return one("LPOP", k)
		case 1:
			return one("RPOP", k)
		case 2:
			return one("LPUSH", k, s.unique()+long)
		case 3, 4:
			// The length tells this from what comes before and after; else each LSET beside an LPUSH would double what
			// there may be, for good.
			return [][][]byte{request("MULTI"), request("LLEN", k),
				request("LSET", k, strconv.Itoa(s.rng.IntN(150)-20), s.unique()+long), request("EXEC")}
		case 5:
			return one("LINDEX", k, strconv.Itoa(s.rng.IntN(150)-20))
		case 6:
			return one("LLEN", k)
		default:
			return one("RPUSH", k, s.unique()+long)
		}
	}}
}

// accounts begin at nothing, so that the total of a group is zero, whatever is moved. The journal says of each
// transaction that it was; see torn.
func accounts() family {
	slots := []slot{{"account:{%d}:a", counter}, {"account:{%d}:b", counter}, {"account:{%d}:c", counter},
		{"account:{%d}:d", counter}, {"journal:{%d}", sequence}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		accounts, journal := g.keys[:4], g.keys[4]
		switch s.rng.IntN(6) {
		case 0:
			return one("MGET", accounts[0], accounts[1], accounts[2], accounts[3])
		case 1:
			return [][][]byte{request("MULTI"), request("GET", accounts[0]), request("LLEN", journal), request("EXEC")}
		}
		from, to := s.two(accounts)
		amount := strconv.Itoa(1 + s.rng.IntN(1000))
		return [][][]byte{request("MULTI"), request("DECRBY", from, amount), request("INCRBY", to, amount),
			request("RPUSH", journal, s.unique()), request("EXEC")}
	}}
}

const (
	// year2100, in unix ms, is where exact deadlines begin: far away whenever the trace is played.
	year2100 = 4_102_444_800_000
	// long times to live are this and up to twice this, in ms: 11 to 23 days.
	longMillis = 1_000_000_000
)

// ttls: short times to live lapse while clients look on; long ones and deadlines stay.
func ttls() family {
	return family{slots: []slot{{"ttl:{%d}", register}}, burst: func(s *stream, g *group) [][][]byte {
		k := g.keys[0]
		switch s.rng.IntN(16) {
		case 0, 1, 2:
			return one("SET", k, s.unique(), "PX", s.short())
		case 3:
			return one("SET", k, s.unique(), "PX", s.millis(longMillis))
		case 4, 5:
			return one("SET", k, s.unique(), "PXAT", s.millis(year2100))
		case 6:
			return one("SET", k, s.unique())
		case 7:
			return one("SET", k, s.unique(), "KEEPTTL")
		case 8:
			return one("PEXPIREAT", k, s.millis(year2100))
		case 9:
			return one("PEXPIRE", k, s.short())
		case 10:
			return one("PERSIST", k)
		case 11:
			return s.getex(k)
		case 12:
			return one("PEXPIRETIME", k)
		case 13:
			return one("DEL", k)
		default:
			return one("GET", k)
		}
	}}
}

func (s *stream) getex(k string) [][][]byte {
	switch s.rng.IntN(3) {
	case 0:
		return one("GETEX", k, "PX", s.short())
	case 1:
		return one("GETEX", k, "PXAT", s.millis(year2100))
	default:
		return one("GETEX", k, "PERSIST")
	}
}

// short is a time to live that lapses during the run, be it of tens of milliseconds or of seconds.
func (s *stream) short() string {
	from := []int{1, 6, 50}[s.rng.IntN(3)]
	to := map[int]int{1: 5, 6: 50, 50: 300}[from]
	return strconv.Itoa(from + s.rng.IntN(to-from+1))
}

func (s *stream) millis(from int64) string {
	return strconv.FormatInt(from+s.rng.Int64N(longMillis), 10)
}

// names are renamed and copied, deadlines and all.
func names() family {
	slots := []slot{{"name:{%d}:a", register}, {"name:{%d}:b", register}, {"name:{%d}:c", register}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		a, b := s.two(g.keys)
		switch s.rng.IntN(9) {
		case 0:
			return one("SET", a, s.unique(), "PXAT", s.millis(year2100))
		case 1:
			return one("RENAME", a, b)
		case 2:
			return one("COPY", a, b)
		case 3:
			return one("COPY", a, b, "REPLACE")
		case 4:
			return one("DEL", a)
		case 5:
			return one("EXISTS", a, b)
		case 6:
			return one("GET", a)
		default:
			return one("SET", a, s.unique())
		}
	}}
}

// rows are lists that are renamed and copied.
func rows() family {
	slots := []slot{{"row:{%d}:a", sequence}, {"row:{%d}:b", sequence}, {"row:{%d}:c", sequence}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		a, b := s.two(g.keys)
		switch s.rng.IntN(8) {
		case 0:
			return one("RENAME", a, b)
		case 1:
			return one("COPY", a, b, "REPLACE")
		case 2:
			return one("DEL", a)
		case 3:
			return one("LPOP", a)
		case 4:
			return one("LRANGE", a, "0", "-1")
		default:
			return one("RPUSH", a, s.unique())
		}
	}}
}

// journalBytes is the length of the longest values in streams: a few of them make one that lies in parts.
const journalBytes = 32 << 10

// journals are streams, with a group that reads them. Some lie in parts.
func journals() family {
	return family{slots: []slot{{"stream:{%d}", entries}}, burst: func(s *stream, g *group) [][][]byte {
		k, id := g.keys[0], journalID(s.rng.IntN(1+s.rng.IntN(60)))
		long := padding([]int{0, 0, elementBytes, journalBytes}[s.rng.IntN(4)])
		add := request("XADD", k, "7-*", "f", s.unique()+long)
		read := request("XREADGROUP", "GROUP", journalGroup, "consumer"+strconv.Itoa(s.rng.IntN(3)), "COUNT", "2", "STREAMS", k, ">")
		switch s.rng.IntN(16) {
		case 0, 1:
			return one("XGROUP", "CREATE", k, journalGroup, "0", "MKSTREAM")
		case 2, 3, 4:
			return [][][]byte{read}
		case 5, 6:
			return one("XACK", k, journalGroup, id)
		case 7:
			return one("XDEL", k, id)
		case 8:
			return one("XTRIM", k, "MAXLEN", strconv.Itoa(20+s.rng.IntN(150)))
		case 9:
			return one("XLEN", k)
		case 10:
			return [][][]byte{request("MULTI"), add, read, request("EXEC")}
		case 11:
			return one("XADD", k, "MAXLEN", "150", "7-*", "f", s.unique()+long)
		default:
			return [][][]byte{add}
		}
	}}
}
