package commands

import (
	"errors"
	"strings"
	"testing"
)

func (k *keeper) CreateSnapshot(name string, done func(error)) error {
	return k.beside("create "+name, done)
}

func (k *keeper) DropSnapshot(name string, done func(error)) error {
	return k.beside("drop "+name, done)
}

func (k *keeper) ListSnapshots(done func([]SnapshotInfo, error)) error {
	return k.beside("list", func(err error) { done(k.snapshots, err) })
}

func (k *keeper) beside(what string, done func(error)) error {
	k.ask("%s", what)
	if k.refuse == nil {
		k.aside = append(k.aside, done)
	}
	return k.refuse
}

// endAside ends what is under way in the background.
func (k *keeper) endAside(err error) {
	waiting := k.aside
	k.aside = nil
	for _, done := range waiting {
		done(err)
	}
}

func TestSnapshotRepliesWhenItIsDone(t *testing.T) {
	for _, line := range []string{"SNAPSHOT CREATE before-deploy", "snapshot drop before-deploy"} {
		k := newServer(t)
		if got := k.do(line); got != "" {
			t.Fatalf("%s replied %s at once", line, got)
		}
		k.expectAsked(strings.TrimPrefix(strings.ToLower(line), "snapshot "))
		if got := k.as(k.join(), "SET others 1"); got != "+OK" {
			t.Errorf("others wait too: %s", got)
		}
		if k.Unblock(k.user, false) {
			t.Errorf("CLIENT UNBLOCK ended %s", line)
		}
		k.endAside(nil)
		if got := delivered(k.user); got != "+OK" {
			t.Errorf("%s replied %s", line, got)
		}

		k.do(line)
		k.endAside(errors.New("no room for it"))
		if got := delivered(k.user); got != "-ERR no room for it" {
			t.Errorf("%s replied %s", line, got)
		}

		k.do(line)
		k.Drop(k.user)
		k.do("BLPOP l 0")
		k.endAside(nil)
		if got := delivered(k.user); got != "" {
			t.Errorf("BLPOP was answered with %s", got)
		}
	}
}

func TestSnapshotThatDoesNotBegin(t *testing.T) {
	k := newServer(t)
	k.refuse = errors.New("not a name")
	for _, line := range []string{"SNAPSHOT CREATE .x", "SNAPSHOT DROP .x", "SNAPSHOT LIST"} {
		k.expect(line, "-ERR not a name")
	}
}

func TestSnapshotList(t *testing.T) {
	k := newServer(t)
	list := func() string {
		t.Helper()
		k.expect("SNAPSHOT LIST", "")
		k.endAside(nil)
		return delivered(k.user)
	}
	if got := list(); got != "*0" {
		t.Errorf("without any: %s", got)
	}
	k.snapshots = []SnapshotInfo{{Name: "a", LSN: 7, Time: 1_700_000_000_123, Keys: 3, Bytes: 32768}, {Name: "b", Problem: "it is damaged"}}
	if got, want := list(), "*2 *10 $4 name $1 a $3 lsn :7 $4 time :1700000000123 $4 keys :3 $5 bytes :32768 "+
		"*4 $4 name $1 b $7 problem $13 it is damaged"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	k.do("HELLO 3")
	if got, want := list(), "*2 %5 $4 name $1 a $3 lsn :7 $4 time :1700000000123 $4 keys :3 $5 bytes :32768 "+
		"%2 $4 name $1 b $7 problem $13 it is damaged"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	k.do("SNAPSHOT LIST")
	k.endAside(errors.New("cannot be listed"))
	if got := delivered(k.user); got != "-ERR cannot be listed" {
		t.Errorf("got %s", got)
	}
}

func TestSnapshotHelp(t *testing.T) {
	newServer(t).expect("SNAPSHOT HELP", "*9 +SNAPSHOT <subcommand> [argument ...]. The subcommands are: "+
		"+CREATE name +    Keeps a copy of what is there now, and replies when it is on disk. "+
		"+LIST +    Tells the snapshots there are. "+
		"+DROP name +    Removes a snapshot, and replies when it is gone. "+
		"+HELP +    Lists the subcommands.")
}

func TestInfoTellsOfTheHistory(t *testing.T) {
	k := newServer(t)
	k.figures = Figures{RetainedFromLSN: 120, RetainedFromTime: 1_700_000_000_001, RetainedBytes: 4096, NamedSnapshots: 2}
	_, got := k.info("INFO persistence")
	for name, want := range map[string]string{
		"retained_from_lsn": "120", "retained_from_time": "1700000001", "retained_bytes": "4096", "named_snapshots": "2",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, wanted %q", name, got[name], want)
		}
	}
}
