package commands

import (
	"errors"
	"testing"

	"holdfast/resp"
)

func TestConfigGet(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"CONFIG GET timeout", "*2 $7 timeout $1 0"},
		{"CONFIG GET TIMEOUT nosuch timeout", "*2 $7 TIMEOUT $1 0"},
		{"CONFIG GET maxmemory-p*", "*2 $16 maxmemory-policy $10 noeviction"},
		{"CONFIG GET nosuch", "*0"},
	})
	k.do("HELLO 3")
	k.expect("CONFIG GET timeout", "%1 $7 timeout $1 0")
	k.expect("CONFIG GET nosuch", "%0")
}

func TestConfigSetIsAllOrNothing(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"CONFIG SET timeout 10 maxmemory 1mb", "+OK"},
		{"CONFIG GET timeout", "*2 $7 timeout $2 10"},
		{"CONFIG GET maxmemory", "*2 $9 maxmemory $7 1048576"},
		{"CONFIG SET timeout 20 maxmemory x", "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value"},
		{"CONFIG SET timeout 20 nosuch 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"},
		{"CONFIG SET databases 20", "-ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config"},
		{"CONFIG SET timeout 20 maxmemory", "-ERR syntax error"},
		{"CONFIG GET timeout", "*2 $7 timeout $2 10"},
	})
}

// The reply to EXEC cannot say that the log has been turned on: that takes a checkpoint.
func TestTheLogIsNotTurnedOnOrOffWithinATransaction(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"MULTI", "+OK"},
		{"CONFIG SET timeout 10 AppendOnly no", "+QUEUED"},
		{"CONFIG SET timeout 20", "+QUEUED"},
		{"EXEC", "*2 -" + resp.ErrSwitchNested + " +OK"},
		{"CONFIG GET appendonly", "*2 $10 appendonly $3 yes"},
		{"CONFIG GET timeout", "*2 $7 timeout $2 20"},
	})
}

func TestConfigRewrite(t *testing.T) {
	k := newServer(t)
	k.expect("CONFIG REWRITE", "-ERR The server is running without a config file")
	var fail error
	k.world.RewriteConfig = func() error { return fail }
	k.expect("CONFIG REWRITE", "+OK")
	fail = errors.New("read-only file system")
	k.expect("CONFIG REWRITE", "-ERR Rewriting config file: read-only file system")
}

func TestConfigResetStat(t *testing.T) {
	k := newServer(t)
	k.expect("CONFIG RESETSTAT", "+OK")
	k.expectAsked("reset the engine's counters")
	if k.crowd().resets != 1 {
		t.Error("the server's counters were not reset")
	}
}
