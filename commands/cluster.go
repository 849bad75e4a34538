package commands

import "holdfast/resp"

// There is no cluster here. Its commands are there for clients that ask whether there is one, and answer as those of a Redis
// that is none.

func clusterCommands() []*Command {
	const open = Stale
	const operators = Admin | Stale | NoAsyncLoading
	const varies = "nondeterministic_output"
	off := func(name, since string, arity int, flags Flags, syntax, summary string, tips ...string) *Command {
		return &Command{
			Name: name, Since: since, Arity: arity, Flags: flags, Tips: tips, Syntax: syntax, Summary: summary, Complexity: "O(1)",
			Run: clusterOff,
		}
	}
	slots := off("slots", "3.0.0", 2, open, "", "Lists the slots and their nodes.", varies)
	slots.Deprecated, slots.Instead = "7.0.0", "`CLUSTER SHARDS`"
	slaves := off("slaves", "3.0.0", 3, Admin|open, "node-id", "Lists the replicas of a node.", varies)
	slaves.Deprecated, slaves.Instead = "5.0.0", "`CLUSTER REPLICAS`"
	return []*Command{
		{
			Name: "cluster", Group: Cluster, Since: "3.0.0", Arity: -2,
			Summary: "Commands about a cluster, which this server is no part of.", Complexity: "O(1)",
			Subs: []*Command{
				off("addslots", "3.0.0", -3, operators, "slot [slot ...]", "Gives this node slots."),
				off("addslotsrange", "7.0.0", -4, operators, "start-slot end-slot [start-slot end-slot ...]", "Gives this node ranges of slots."),
				off("bumpepoch", "3.0.0", 2, operators, "", "Raises the epoch of the configuration.", varies),
				off("count-failure-reports", "3.0.0", 3, Admin|Stale, "node-id", "Counts the reports that a node fails.", varies),
				off("countkeysinslot", "3.0.0", 3, open, "slot", "Counts the keys in a slot."),
				off("delslots", "3.0.0", -3, operators, "slot [slot ...]", "Takes slots away."),
				off("delslotsrange", "7.0.0", -4, operators, "start-slot end-slot [start-slot end-slot ...]", "Takes ranges of slots away."),
				off("failover", "3.0.0", -2, operators, "[FORCE | TAKEOVER]", "Makes a replica the master."),
				off("flushslots", "3.0.0", 2, operators, "", "Takes all slots away."),
				off("forget", "3.0.0", 3, operators, "node-id", "Forgets a node."),
				off("getkeysinslot", "3.0.0", 4, open, "slot count", "Tells keys in a slot.", varies),
				off("help", "5.0.0", 2, Loading|Stale, "", "Lists the subcommands."),
				off("info", "3.0.0", 2, open, "", "Tells the state of the cluster.", varies),
				off("keyslot", "3.0.0", 3, open, "key", "Tells the slot of a key."),
				off("links", "7.0.0", 2, open, "", "Tells the connections between nodes.", varies),
				off("meet", "3.0.0", -4, operators, "ip port [cluster_bus_port]", "Makes another node known."),
				off("myid", "3.0.0", 2, open, "", "Tells the node's ID."),
				off("nodes", "3.0.0", 2, open, "", "Lists the nodes.", varies),
				off("replicas", "5.0.0", 3, Admin|Stale, "node-id", "Lists the replicas of a node.", varies),
				off("replicate", "3.0.0", 3, operators, "node-id", "Makes the node a replica."),
				off("reset", "3.0.0", -2, Admin|NoScript|Stale, "[HARD | SOFT]", "Leaves the cluster."),
				off("saveconfig", "3.0.0", 2, operators, "", "Writes the configuration of the cluster."),
				off("set-config-epoch", "3.0.0", 3, operators, "config-epoch", "Sets the epoch of the configuration."),
				off("setslot", "3.0.0", -4, operators, "slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>", "Says whose a slot is."),
				off("shards", "7.0.0", 2, open, "", "Lists the shards.", varies),
				slaves,
				slots,
			},
		},
		{
			Name: "asking", Group: Cluster, Since: "3.0.0", Arity: 1, Flags: Fast, Categories: CatConnection,
			Summary: "Lets the next command reach a slot that is on its way.", Complexity: "O(1)",
			Run: clusterOff,
		},
		{
			Name: "readonly", Group: Cluster, Since: "3.0.0", Arity: 1, Flags: Loading | Stale | Fast, Categories: CatConnection,
			Summary: "Lets the connection read from a replica in a cluster.", Complexity: "O(1)",
			Run: clusterOff,
		},
		{
			Name: "readwrite", Group: Cluster, Since: "3.0.0", Arity: 1, Flags: Loading | Stale | Fast, Categories: CatConnection,
			Summary: "Takes READONLY back.", Complexity: "O(1)",
			Run: clusterOff,
		},
	}
}

// CLUSTER subcommand [argument ...], ASKING, READONLY, READWRITE
func clusterOff(c *Call) { c.Reply.Error(resp.ErrClusterDisabled) }
