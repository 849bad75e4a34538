package commands

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"holdfast/resp"
)

// keeper plays the engine to commands about the server: it writes down what it is asked for, and answers as it was
// told to.
type keeper struct {
	*stage
	asked   []string
	figures Figures
	figured int         // times that all of them were asked for
	refuse  error       // of Shutdown and Reload
	failed  func(error) // what Shutdown was given

	saving []func(error) // who waits for the running checkpoint
	busy   bool          // one is running
	synced []func()      // who waits for the disk

	snapshots []SnapshotInfo
	aside     []func(error) // who waits for something in the background
	apart     []func()      // what Aside was given
}

// newServer sets a stage with a keeper and the stage's own client as the only one connected.
func newServer(t *testing.T) *keeper {
	t.Helper()
	k := &keeper{stage: newStage(t), figures: Figures{StartTime: beginning, LastSaveOK: true, LogEnabled: true}}
	k.world.Keeper = k
	k.world.Clients = &crowd{clients: []*Client{k.user}}
	k.world.Clock = func() time.Time { return time.UnixMilli(k.now).Add(7 * time.Microsecond) }
	k.world.Sleep = func(d time.Duration) { k.ask("sleep %v", d) }
	k.user.Addr, k.user.LocalAddr = "127.0.0.1:5000", "127.0.0.1:6379"
	return k
}

// join connects a further client.
func (k *keeper) join() *Client {
	c := k.connect()
	c.Addr, c.LocalAddr = fmt.Sprintf("127.0.0.1:%d", 5000+c.ID), "127.0.0.1:6379"
	k.crowd().clients = append(k.crowd().clients, c)
	return c
}

func (k *keeper) crowd() *crowd { return k.world.Clients.(*crowd) }

func (k *keeper) ask(format string, args ...any) {
	k.asked = append(k.asked, fmt.Sprintf(format, args...))
}

// expectAsked compares what the keeper was asked for since the last call.
func (k *keeper) expectAsked(want ...string) {
	k.t.Helper()
	if !slices.Equal(k.asked, want) {
		k.t.Errorf("the keeper was asked for %q, wanted %q", k.asked, want)
	}
	k.asked = nil
}

// endCheckpoint ends the running checkpoint.
func (k *keeper) endCheckpoint(err error) {
	waiting := k.saving
	k.busy, k.saving = false, nil
	for _, done := range waiting {
		done(err)
	}
}

// catchUp makes everything durable.
func (k *keeper) catchUp() {
	waiting := k.synced
	k.figures.DurableLSN, k.synced = k.figures.LastLSN, nil
	for _, done := range waiting {
		done()
	}
}

func (k *keeper) Checkpoint(done func(error)) bool {
	if k.busy {
		return false
	}
	k.busy = true
	if done != nil {
		k.saving = append(k.saving, done)
	}
	return true
}

func (k *keeper) Shutdown(o ShutdownOptions, failed func(error)) error {
	k.ask("shutdown %+v", o)
	k.failed = failed
	return k.refuse
}

func (k *keeper) Reload(fromLog bool) error {
	k.ask("reload from the log: %v", fromLog)
	return k.refuse
}

func (k *keeper) SetActiveExpire(on bool)     { k.ask("active expire: %v", on) }
func (k *keeper) Pause(until int64, all bool) { k.ask("pause until %d, all: %v", until, all) }
func (k *keeper) Unpause()                    { k.ask("unpause") }
func (k *keeper) ResetStats()                 { k.ask("reset the engine's counters") }
func (k *keeper) ReturnMemory()               { k.ask("return memory") }
func (k *keeper) LastSave() int64             { return k.figures.LastSave }
func (k *keeper) Settled(func()) bool         { return true }
func (k *keeper) Drop(c *Client)              { k.world.Waiters.Remove(c); k.world.Watches.Forget(c); c.Multi = nil }

func (k *keeper) Figures() Figures {
	k.figured++
	return k.figures
}

func (k *keeper) ResidentMemory() int64 { return 1500 }

func (k *keeper) LogEnds() (newest, durable uint64, kept bool) {
	return k.figures.LastLSN, k.figures.DurableLSN, k.figures.LogEnabled
}

func (k *keeper) Unblock(c *Client, withError bool) bool {
	if c.Blocked == nil || c.Blocked.Timeout == nil {
		return false
	}
	timeout := c.Blocked.Timeout
	k.Finish(c, func(w *resp.Writer) {
		if withError {
			w.Error(resp.ErrUnblocked)
			return
		}
		timeout(w)
	})
	return true
}

func (k *keeper) Await(_ *Client, done func()) { k.synced = append(k.synced, done) }

func (k *keeper) Finish(c *Client, write func(*resp.Writer)) {
	var w resp.Writer
	w.SetProto(c.Proto)
	write(&w)
	k.release(c, w.Take())
}

// Aside does everything when endApart is called: the call under way comes first.
func (k *keeper) Aside(work func(context.Context), settle func(now int64), finish func()) {
	k.apart = append(k.apart, func() {
		work(context.Background())
		settle(k.now)
		if len(k.record) > 0 {
			k.log, k.record = append(k.log, k.record), nil
		}
		finish()
	})
}

// endApart ends what goes on beside the commands.
func (k *keeper) endApart() {
	apart := k.apart
	k.apart = nil
	for _, end := range apart {
		end()
	}
}

// crowd is the connections.
type crowd struct {
	clients []*Client
	resets  int
}

func (c *crowd) Each(fn func(*Client) bool) {
	for _, o := range c.clients {
		if !fn(o) {
			return
		}
	}
}

func (c *crowd) ByID(id int64) *Client {
	for _, o := range c.clients {
		if o.ID == id {
			return o
		}
	}
	return nil
}

func (c *crowd) Figures() ClientFigures {
	return ClientFigures{Connected: len(c.clients), MaxClients: 10000, Accepted: 12, Buffered: 300}
}

func (c *crowd) ResetStats() { c.resets++ }
