package engine

import (
	"fmt"

	"holdfast/commands"
)

// RebuildForeign is Rebuild with the commands of another server, or of an export, which feed hands to it.
func RebuildForeign(o Options, feed func(to *Foreign) error) (Rebuilt, error) {
	return rebuild(o, func(b *rebuilding) error {
		b.world.Foreign = true
		return feed(&Foreign{b})
	})
}

// Foreign takes commands that no log of ours has: the words of clients, and not what became of them. One goroutine at a time
// may use it.
type Foreign struct{ b *rebuilding }

// Do runs a command as at a time, in unix ms. A *RefusedError says that it makes no sense, and has changed nothing; others may
// follow. What the words refer to may be reused afterwards.
func (f *Foreign) Do(ms int64, db int, args [][]byte) error {
	b := f.b
	lsn := b.lsn + 1
	if databases := b.world.Keys.Databases(); db >= databases {
		return &RefusedError{lsn, fmt.Sprintf("a key in database %d; there can be %d", db, databases)}
	}
	cmd, refusal := b.world.Table.Find(args)
	switch {
	case refusal != "":
		return &RefusedError{lsn, refusal}
	case !makesData(cmd):
		return &RefusedError{lsn, cmd.FullName() + " is no command that makes data"}
	}
	b.beginRedo(ms)
	if err := b.redo(cmd, db, args, lsn); err != nil {
		return err
	}
	b.endRedo(lsn)
	size := 0
	for _, arg := range args {
		size += len(arg)
	}
	return b.applied(size)
}

// makesData reports whether a command may stand in an AOF: one for operators, about connections, or for another server does not.
func makesData(cmd *commands.Command) bool {
	switch {
	case cmd.Name == "migrate":
		return false
	case cmd.Flags&commands.Write != 0, cmd.Group == commands.Scripting:
		return true
	}
	return cmd.Flags&(commands.Admin|commands.NoScript) == 0
}

// Has reports whether there is a key.
func (f *Foreign) Has(db int, key []byte) bool {
	if db >= f.b.world.Keys.Databases() {
		return false
	}
	_, found := f.b.world.Keys.DB(db).Peek(key)
	return found
}
