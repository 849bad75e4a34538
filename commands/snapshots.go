package commands

import "holdfast/resp"

// snapshotCommands is a container that Redis does not have, so no version of Redis brought it.
func snapshotCommands() []*Command {
	const operator = Admin | NoScript | NoMulti
	return []*Command{{
		Name: "snapshot", Group: Server, Arity: -2,
		Summary: "Commands about named copies of all data.", Complexity: "That of the subcommand",
		Subs: []*Command{
			{
				Name: "create", Arity: 3, Flags: operator,
				Syntax:  "name",
				Summary: "Keeps a copy of what is there now, and replies when it is on disk.", Complexity: "O(n) in the bytes of the base",
				Run: snapshotCreate,
			},
			{
				Name: "list", Arity: 2, Flags: operator,
				Summary: "Tells the snapshots there are.", Complexity: "O(n) in the snapshots",
				Run: snapshotList,
			},
			{
				Name: "drop", Arity: 3, Flags: operator,
				Syntax:  "name",
				Summary: "Removes a snapshot, and replies when it is gone.", Complexity: "O(1)",
				Run: snapshotDrop,
			},
			{
				Name: "help", Arity: 2, Flags: Loading | Stale,
				Summary: "Lists the subcommands.", Complexity: "O(1)",
				Run: containerHelp,
			},
		},
	}}
}

// SNAPSHOT CREATE name
func snapshotCreate(c *Call) {
	name := string(c.Args[2])
	c.aside(func(done func(error)) error { return c.Keeper.CreateSnapshot(name, done) }, (*resp.Writer).OK)
}

// SNAPSHOT DROP name
func snapshotDrop(c *Call) {
	name := string(c.Args[2])
	c.aside(func(done func(error)) error { return c.Keeper.DropSnapshot(name, done) }, (*resp.Writer).OK)
}

// SNAPSHOT LIST
//
// Each snapshot is a map of name, lsn, time (unix milliseconds), keys and bytes; one that cannot be read, of name and
// problem. Those whose name begins with auto- are made, and dropped, by retain.
func snapshotList(c *Call) {
	var infos []SnapshotInfo
	begin := func(done func(error)) error {
		return c.Keeper.ListSnapshots(func(found []SnapshotInfo, err error) {
			infos = found
			done(err)
		})
	}
	c.aside(begin, func(w *resp.Writer) {
		w.Array(len(infos))
		for _, info := range infos {
			info.write(w)
		}
	})
}

func (i SnapshotInfo) write(w *resp.Writer) {
	if i.Problem != "" {
		w.Map(2)
		w.BulkString("name")
		w.BulkString(i.Name)
		w.BulkString("problem")
		w.BulkString(i.Problem)
		return
	}
	w.Map(5)
	w.BulkString("name")
	w.BulkString(i.Name)
	w.BulkString("lsn")
	w.Int(int64(i.LSN))
	w.BulkString("time")
	w.Int(i.Time)
	w.BulkString("keys")
	w.Int(i.Keys)
	w.BulkString("bytes")
	w.Int(i.Bytes)
}

// aside lets the client wait for what begin begins in the background, while others go on; then it replies what write writes,
// or the error.
func (c *Call) aside(begin func(done func(error)) error, write func(*resp.Writer)) {
	var finish func(func(*resp.Writer))
	err := begin(func(err error) {
		finish(func(w *resp.Writer) {
			if err != nil {
				w.Error(resp.ErrSnapshot(err.Error()))
				return
			}
			write(w)
		})
	})
	if err != nil {
		c.Reply.Error(resp.ErrSnapshot(err.Error()))
		return
	}
	finish = c.later(0, nil)
}
