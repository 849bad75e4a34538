package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"holdfast/resp"
)

// recordBytes is how long records are in these tests; commands leave an eighth of that to what is due.
const recordBytes = 8000

// request is a command line and one more word, of n bytes.
func request(line string, n int) [][]byte {
	return append(words(line), []byte(strings.Repeat("x", n)))
}

// tell sends requests one by one, and returns the last reply.
func (r *rig) tell(requests ...[][]byte) (reply string) {
	r.t.Helper()
	for _, request := range requests {
		reply, _ = r.send(r.user, request)
	}
	return reply
}

// same checks that a restart finds what is there.
func (r *rig) same() {
	r.t.Helper()
	before := fmt.Sprint(r.dump())
	r.mustClose(false)
	if after := fmt.Sprint(r.again().dump()); after != before {
		r.t.Errorf("after a restart there is\n%.500s\nand before there was\n%.500s", after, before)
	}
}

// A script that would make a record longer than the log takes gets an error for the call that does, and may go on without it.
func TestAScriptKeepsWithinARecord(t *testing.T) {
	r := open(t, setup{record: recordBytes})
	const code = `for i = 1, 9 do
		if type(redis.pcall('SET', KEYS[1] .. i, string.rep('x', 1000))) == 'table' and i == 7 then return redis.call('SET', 'refused', ARGV[1]) end
	end`
	reply := r.tell([][]byte{[]byte("EVAL"), []byte(code), []byte("1"), []byte("k"), []byte(strings.Repeat("x", 1000))})
	if !strings.HasPrefix(reply, "-"+resp.ErrRecordTooLong) {
		t.Errorf("the script that says too much: %q", reply)
	}
	r.expect("DBSIZE", ":6")
	r.same()
}

// A transaction whose words alone are too long for a record does not begin. One whose commands turn out to log more than
// they say goes on without those that do; what it reads does not count.
func TestATransactionKeepsWithinARecord(t *testing.T) {
	r := open(t, setup{record: recordBytes})
	r.tell(words("MULTI"), request("SET a", 3000), request("SET b", 3000), request("SET c", 3000))
	if reply := r.do("EXEC"); !strings.HasPrefix(reply, "-EXECABORT Transaction discarded because of: too much for one record") {
		t.Errorf("EXEC of too much: %q", reply)
	}
	r.expect("DBSIZE", ":0")
	for i := range 8 {
		r.tell(request("SADD s", 900+i))
	}
	r.tell(words("MULTI"), request("SET a", 3000), words("SPOP s 7"), words("SPOP s 2"), words("SET b 1"))
	if reply := r.do("EXEC"); !strings.HasPrefix(reply, "*4 +OK -"+resp.ErrRecordTooLong+" *2 $9") || !strings.HasSuffix(reply, "+OK") {
		t.Errorf("EXEC with a SPOP of too much: %.300q", reply)
	}
	r.expect("SCARD s", ":6")
	r.expect("SET a 1", "+OK")
	r.tell(words("MULTI"), request("GET", 4000), request("GET", 4000), words("SET a 2"))
	r.expect("EXEC", "*3 $-1 $-1 +OK")
	r.same()
}

// A command alone may be too long, too.
func TestACommandKeepsWithinARecord(t *testing.T) {
	r := open(t, setup{record: recordBytes})
	for _, line := range []string{"SET a", "DEL"} {
		if reply := r.tell(request(line, recordBytes)); reply != "-"+resp.ErrRecordTooLong {
			t.Errorf("%s of too much: %q", line, reply)
		}
	}
	r.expect("DBSIZE", ":0")
}

// Keys that are due are deleted in the record of the transaction that finds them. Where it is too long for all of them it is
// split, and nothing is lost.
func TestDueKeysMaySplitARecord(t *testing.T) {
	r := open(t, setup{record: recordBytes})
	r.do("DEBUG SET-ACTIVE-EXPIRE 0")
	transaction := [][][]byte{words("MULTI"), request("SET a", 5000)}
	for i := range 10 {
		key := request(fmt.Sprintf("GET %d", i), 1000)
		key = [][]byte{[]byte("GET"), append(key[1], key[2]...)}
		transaction = append(transaction, key)
		r.tell([][]byte{[]byte("SET"), key[1], []byte("1"), []byte("PX"), []byte("1")})
	}
	r.expect("DBSIZE", ":10")
	r.setup.clock.advance(10)
	transaction = append(transaction, words("SET b 1"))
	before := r.info("last_lsn")
	r.tell(transaction...)
	if reply := r.do("EXEC"); strings.Count(reply, "$-1") != 10 || !strings.HasSuffix(reply, "+OK") {
		t.Errorf("EXEC: %q", reply)
	}
	if after := r.info("last_lsn"); after == before {
		t.Errorf("after EXEC the LSN is %s as before", after)
	}
	r.same()
}
