package workload

import (
	"fmt"
	"strings"

	"holdfast/resp"
)

// A script is one operation: all that it writes is there after a crash, or nothing. So is a call of a function; and a library
// is something that a server keeps, as it keeps keys.

const (
	// transferScript moves an amount from one account to another, and writes it into a journal.
	transferScript = "local from = redis.call('DECRBY', KEYS[1], ARGV[1]) local to = redis.call('INCRBY', KEYS[2], ARGV[1]) " +
		"return {from, to, redis.call('RPUSH', KEYS[3], ARGV[2])}"
	// exchangeScript exchanges what two keys hold, which no request says, and writes into a journal that it did.
	exchangeScript = "local a, b = redis.call('GET', KEYS[1]) or '', redis.call('GET', KEYS[2]) or '' " +
		"redis.call('SET', KEYS[1], b) redis.call('SET', KEYS[2], a) return {{a, b}, redis.call('RPUSH', KEYS[3], ARGV[1])}"
)

// transfers are accounts whose amounts are moved by scripts; as in accounts, the journal says of each that it was.
func transfers() family {
	slots := []slot{{"transfer:{%d}:a", counter}, {"transfer:{%d}:b", counter}, {"transfer:{%d}:c", counter}, {"transfer:{%d}:journal", sequence}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		if s.rng.IntN(5) == 0 {
			return one("MGET", g.keys[0], g.keys[1], g.keys[2])
		}
		from, to := s.two(g.keys[:3])
		return one("EVAL", transferScript, "3", from, to, g.keys[3], fmt.Sprint(1+s.rng.IntN(1000)), s.unique())
	}}
}

// exchanges are registers that a script exchanges.
func exchanges() family {
	slots := []slot{{"exchange:{%d}:a", register}, {"exchange:{%d}:b", register}, {"exchange:{%d}:c", register},
		{"exchange:{%d}:journal", sequence}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		a, b := s.two(g.keys[:3])
		switch s.rng.IntN(5) {
		case 0:
			return one("GET", a)
		case 1, 2:
			return one("SET", a, s.unique())
		default:
			return one("EVAL", exchangeScript, "3", a, b, g.keys[3], s.unique())
		}
	}}
}

// libraries are loaded again and again, in other versions, and have a function that says which, and one that moves an amount.
func libraries() family {
	slots := []slot{{"library_%d", library}, {"fund:{%d}:a", counter}, {"fund:{%d}:b", counter}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		name := g.keys[0]
		switch s.rng.IntN(10) {
		case 0, 1:
			return one("FUNCTION", "LOAD", "REPLACE", libraryCode(name, s.unique()))
		case 2:
			if s.rng.IntN(4) == 0 {
				return one("FUNCTION", "DELETE", name)
			}
			return one("MGET", g.keys[1], g.keys[2])
		case 3, 4:
			return one("FCALL", "version_of_"+name, "0")
		default:
			return one("FCALL", "move_of_"+name, "2", g.keys[1], g.keys[2], fmt.Sprint(1+s.rng.IntN(1000)))
		}
	}}
}

const versionBegin = "local version = '"

func libraryCode(name, version string) string {
	return "#!lua name=" + name + "\n" + versionBegin + version + "'\n" +
		"redis.register_function{function_name='version_of_" + name + "', callback=function() return version end, flags={'no-writes'}}\n" +
		"redis.register_function('move_of_" + name + "', function(keys, args) " +
		"return {version, redis.call('DECRBY', keys[1], args[1]), redis.call('INCRBY', keys[2], args[1])} end)\n"
}

// versionIn is the version of a library, by its code.
func versionIn(code string) string {
	_, rest, _ := strings.Cut(code, versionBegin)
	version, _, _ := strings.Cut(rest, "'")
	return version
}

// meaning is what a request says in the words that the judgement has: the same, for most. A script becomes several.
func meaning(args [][]byte) [][][]byte {
	words := text(args)
	switch {
	case words[0] == "RESTORE" && len(words) >= 4:
		return [][][]byte{meaningOfRestore(args)}
	case words[0] == "EVAL" && words[1] == transferScript:
		return [][][]byte{request("DECRBY", words[3], words[6]), request("INCRBY", words[4], words[6]), request("RPUSH", words[5], words[7])}
	case words[0] == "EVAL" && words[1] == exchangeScript:
		return [][][]byte{request("EXCHANGE", words[3], words[4]), request("RPUSH", words[5], words[6])}
	case words[0] == "FUNCTION" && words[1] == "LOAD":
		first, _, _ := strings.Cut(words[3], "\n")
		return one("LIBRARY-LOAD", strings.TrimPrefix(first, "#!lua name="), versionIn(words[3]))
	case words[0] == "FUNCTION" && words[1] == "DELETE":
		return one("LIBRARY-DELETE", words[2])
	case words[0] == "FCALL" && len(words) == 3:
		return one("LIBRARY-VERSION", strings.TrimPrefix(words[1], "version_of_"))
	case words[0] == "FCALL":
		return one("LIBRARY-MOVE", strings.TrimPrefix(words[1], "move_of_"), words[3], words[4], words[5])
	}
	return [][][]byte{args}
}

// runLibrary runs a command about a library.
func (m *machine) runLibrary(s *state, c *command, a answer) bool {
	v := &s.vals[c.keys[0]]
	switch c.name {
	case "LIBRARY-LOAD":
		*v = value{kind: str, str: c.args[0]}
		return a.r == nil || a.r.Kind == '$'
	case "LIBRARY-DELETE":
		if v.kind == none {
			return a.isError(resp.ErrNoLibrary)
		}
		*v = value{}
		return a.isOK()
	}
	switch {
	case v.kind == none:
		return a.isError(resp.ErrNoFunction)
	case c.name == "LIBRARY-VERSION":
		return a.isValue(v)
	}
	from, to := &s.vals[c.keys[1]], &s.vals[c.keys[2]]
	from.count(-c.num)
	to.count(c.num)
	return a.r == nil || len(a.r.Elems) == 3 && (answer{&a.r.Elems[0]}).isStr(v.str) &&
		(answer{&a.r.Elems[1]}).isInt(int(number(from.str))) && (answer{&a.r.Elems[2]}).isInt(int(number(to.str)))
}

// count adds to a counter.
func (v *value) count(by int64) {
	*v = value{kind: str, str: fmt.Sprint(number(v.str) + by)}
}

// exchange is what exchangeScript does with two keys.
func (m *machine) exchange(a, b *value, told answer) bool {
	was, other := a.str, b.str
	*a, *b = value{kind: str, str: other}, value{kind: str, str: was}
	return told.r == nil || len(told.r.Elems) == 2 && (answer{&told.r.Elems[0]}).isStr(was) && (answer{&told.r.Elems[1]}).isStr(other)
}

// seeLibrary understands the reply to FUNCTION LIST of one library with its code.
func seeLibrary(r *resp.Reply) (s sight, problem string) {
	switch {
	case unknown(r):
		return s, ""
	case r.Kind != '*' && r.Kind != '~' || r.Null || len(r.Elems) > 1:
		return s, "FUNCTION LIST is answered with " + printed(*r)
	case len(r.Elems) == 0:
		return s, ""
	}
	all := pairs(&r.Elems[0])
	version := versionIn(string(all["library_code"].Str))
	if version == "" {
		return s, "its code has no version"
	}
	return sight{kind: str, str: []byte(version)}, ""
}
