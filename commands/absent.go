package commands

import (
	"slices"
	"strings"
)

// Rules for Redis name commands that holdfast has not, to forbid them most often: "-@all +@read -replicaof". They are
// taken here as there, with the categories that the commands have in Redis 7.0; to permit one permits nothing. That makes the
// printed form of rules the same, too.

// absent are commands of Redis 7.0 that may be missing here, with their categories. Those that are in the table are not
// looked at.
func absent() map[Categories]string {
	return map[Categories]string{
		CatAdmin | CatSlow | CatDangerous: "cluster|addslots cluster|addslotsrange cluster|bumpepoch cluster|count-failure-reports " +
			"cluster|delslots cluster|delslotsrange cluster|failover cluster|flushslots cluster|forget " +
			"cluster|meet cluster|replicas cluster|replicate cluster|reset cluster|saveconfig " +
			"cluster|set-config-epoch cluster|setslot cluster|slaves failover latency|doctor latency|graph " +
			"latency|histogram latency|history latency|latest latency|reset module|list module|load module|loadex " +
			"module|unload monitor psync replconf replicaof slaveof slowlog|get slowlog|len slowlog|reset sync",
		CatFast | CatConnection:                         "asking readonly readwrite",
		CatKeyspace | CatWrite | CatSlow | CatDangerous: "migrate restore-asking",
		CatPubSub | CatFast:                             "publish spublish",
		CatPubSub | CatSlow: "psubscribe pubsub|channels pubsub|numpat pubsub|numsub pubsub|shardchannels pubsub|shardnumsub " +
			"punsubscribe ssubscribe subscribe sunsubscribe unsubscribe",
		CatSlow: "cluster cluster|countkeysinslot cluster|getkeysinslot cluster|help cluster|info cluster|keyslot " +
			"cluster|links cluster|myid cluster|nodes cluster|shards cluster|slots function latency latency|help " +
			"module module|help pubsub pubsub|help script slowlog slowlog|help",
		CatSlow | CatConnection: "client|caching client|getredir client|tracking client|trackinginfo",
		CatSlow | CatScripting: "eval eval_ro evalsha evalsha_ro fcall fcall_ro function|dump function|help function|kill " +
			"function|list function|stats script|debug script|exists script|flush script|help script|kill " +
			"script|load",
		CatWrite | CatSlow | CatScripting: "function|delete function|flush function|load function|restore",
	}
}

// absentCommand is one of them.
type absentCommand struct {
	name       string
	categories Categories
}

// absentCommands are in the order of their names, so that a container comes before its subcommands.
func absentCommands() []absentCommand {
	var all []absentCommand
	for categories, names := range absent() {
		for _, name := range strings.Fields(names) {
			all = append(all, absentCommand{name, categories})
		}
	}
	slices.SortFunc(all, func(a, b absentCommand) int { return strings.Compare(a.name, b.name) })
	return all
}
