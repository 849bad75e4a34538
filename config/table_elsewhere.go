package config

import "strings"

// elsewhereTable: settings of what Redis has and holdfast has not: replicas, clusters. A file that
// leaves them at their defaults loads. Where another value promises safety or data that would not be there, the
// row is fixed; elsewhere it is inert.
func elsewhereTable() []Directive {
	return append(replicationTable(), clusterTable()...)
}

func replicationTable() []Directive {
	return []Directive{
		{Name: "replicaof", Aliases: []string{"slaveof"}, Kind: KindWords, Default: "", Change: AtStart, Fixed: true, Usage: "server to copy from"},
		{Name: "masterauth", Default: "", Inert: true, Usage: "password at the server to copy from"},
		{Name: "masteruser", Default: "", Inert: true, Usage: "user at the server to copy from"},
		{Name: "min-replicas-to-write", Aliases: []string{"min-slaves-to-write"}, Kind: KindInt, Default: "0", Max: maxInt32, Fixed: true, Usage: "replicas without which writes are refused"},
		{Name: "min-replicas-max-lag", Aliases: []string{"min-slaves-max-lag"}, Kind: KindInt, Default: "10", Max: maxInt32, Inert: true, Usage: "seconds after which a silent replica does not count"},
		{Name: "replica-serve-stale-data", Aliases: []string{"slave-serve-stale-data"}, Kind: KindBool, Default: "yes", Inert: true, Usage: "a cut-off replica answers"},
		{Name: "replica-read-only", Aliases: []string{"slave-read-only"}, Kind: KindBool, Default: "yes", Inert: true, Usage: "a replica refuses writes"},
		{Name: "replica-ignore-maxmemory", Aliases: []string{"slave-ignore-maxmemory"}, Kind: KindBool, Default: "yes", Inert: true, Usage: "a replica does not evict"},
		{Name: "replica-ignore-disk-write-errors", Kind: KindBool, Default: "no", Inert: true, Usage: "a replica goes on when its disk fails"},
		{Name: "replica-lazy-flush", Aliases: []string{"slave-lazy-flush"}, Kind: KindBool, Default: "no", Inert: true, Usage: "a replica frees in the background"},
		{Name: "replica-priority", Aliases: []string{"slave-priority"}, Kind: KindInt, Default: "100", Max: maxInt32, Inert: true, Usage: "rank of a replica at a failover"},
		{Name: "replica-announced", Kind: KindBool, Default: "yes", Inert: true, Usage: "show the replica to sentinels"},
		{Name: "replica-announce-ip", Aliases: []string{"slave-announce-ip"}, Default: "", Inert: true, Usage: "address that a replica gives"},
		{Name: "replica-announce-port", Aliases: []string{"slave-announce-port"}, Kind: KindInt, Default: "0", Max: 65535, Inert: true, Usage: "port that a replica gives"},
		{Name: "repl-ping-replica-period", Aliases: []string{"repl-ping-slave-period"}, Kind: KindInt, Default: "10", Min: 1, Max: maxInt32, Inert: true, Usage: "seconds between pings to replicas"},
		{Name: "repl-timeout", Kind: KindInt, Default: "60", Min: 1, Max: maxInt32, Inert: true, Usage: "seconds of silence that end a replication"},
		{Name: "repl-backlog-size", Kind: KindMemory, Default: "1048576", Min: 1, Max: maxInt64, Inert: true, Usage: "writes remembered for replicas that come back"},
		{Name: "repl-backlog-ttl", Kind: KindInt, Default: "3600", Max: maxInt64, Inert: true, Usage: "seconds for which they are remembered"},
		{Name: "repl-disable-tcp-nodelay", Kind: KindBool, Default: "no", Inert: true, Usage: "fewer, later packets to replicas"},
		{Name: "repl-diskless-load", Kind: KindEnum, Default: "disabled", Choices: []string{"disabled", "on-empty-db", "swapdb"}, Inert: true, Usage: "how a replica loads what it copies"},
		{Name: "repl-diskless-sync", Kind: KindBool, Default: "yes", Inert: true, Usage: "copy to replicas without a file"},
		{Name: "repl-diskless-sync-delay", Kind: KindInt, Default: "5", Max: maxInt32, Inert: true, Usage: "seconds to wait for more replicas"},
		{Name: "repl-diskless-sync-max-replicas", Kind: KindInt, Default: "0", Max: maxInt32, Inert: true, Usage: "replicas not to wait beyond"},
		{Name: "propagation-error-behavior", Kind: KindEnum, Default: "ignore", Choices: []string{"ignore", "panic", "panic-on-replicas"}, Inert: true, Usage: "what a replica does with a command that fails"},
		{Name: "bind-source-addr", Default: "", Inert: true, Usage: "address to connect from"},
	}
}

func clusterTable() []Directive {
	return []Directive{
		{Name: "cluster-enabled", Kind: KindBool, Default: "no", Change: AtStart, Fixed: true, Usage: "be a node of a cluster"},
		{Name: "cluster-config-file", Default: "nodes.conf", Change: AtStart, Inert: true, Usage: "file of the node"},
		{Name: "cluster-node-timeout", Kind: KindInt, Default: "15000", Max: maxInt64, Inert: true, Usage: "milliseconds of silence that make a node failed"},
		{Name: "cluster-port", Kind: KindInt, Default: "0", Max: 65535, Change: AtStart, Inert: true, Usage: "port between nodes"},
		{Name: "cluster-announce-ip", Default: "", Inert: true, Usage: "address that the node gives"},
		{Name: "cluster-announce-hostname", Default: "", Inert: true, check: hostName, Usage: "name that the node gives"},
		{Name: "cluster-announce-port", Kind: KindInt, Default: "0", Max: 65535, Inert: true, Usage: "port that the node gives"},
		{Name: "cluster-announce-tls-port", Kind: KindInt, Default: "0", Max: 65535, Inert: true, Usage: "TLS port that the node gives"},
		{Name: "cluster-announce-bus-port", Kind: KindInt, Default: "0", Max: 65535, Inert: true, Usage: "port between nodes that the node gives"},
		{Name: "cluster-preferred-endpoint-type", Kind: KindEnum, Default: "ip", Choices: []string{"ip", "hostname", "unknown-endpoint"}, Inert: true, Usage: "how nodes are named to clients"},
		{Name: "cluster-link-sendbuf-limit", Kind: KindMemory, Default: "0", Max: maxInt64, Inert: true, Usage: "bytes that may wait for a node"},
		{Name: "cluster-migration-barrier", Kind: KindInt, Default: "1", Max: maxInt32, Inert: true, Usage: "replicas that a node keeps"},
		{Name: "cluster-allow-replica-migration", Kind: KindBool, Default: "yes", Inert: true, Usage: "replicas move to nodes without"},
		{Name: "cluster-replica-validity-factor", Aliases: []string{"cluster-slave-validity-factor"}, Kind: KindInt, Default: "10", Max: maxInt32, Inert: true, Usage: "how old a replica may be to take over"},
		{Name: "cluster-replica-no-failover", Aliases: []string{"cluster-slave-no-failover"}, Kind: KindBool, Default: "no", Inert: true, Usage: "a replica never takes over"},
		{Name: "cluster-require-full-coverage", Kind: KindBool, Default: "yes", Inert: true, Usage: "refuse all keys when some are not served"},
		{Name: "cluster-allow-reads-when-down", Kind: KindBool, Default: "no", Inert: true, Usage: "read while the cluster is down"},
		{Name: "cluster-allow-pubsubshard-when-down", Kind: KindBool, Default: "yes", Inert: true, Usage: "publish while the cluster is down"},
	}
}

// hostNameMax is how long a name may be, in bytes.
const hostNameMax = 255

// hostName refuses what is no name of a host.
func hostName(value string) string {
	if len(value) > hostNameMax {
		return "Hostnames must be less than 256 characters"
	}
	for _, c := range []byte(value) {
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z') && !strings.ContainsRune("-.", rune(c)) {
			return "Hostnames may only contain alphanumeric characters, hyphens or dots"
		}
	}
	return ""
}
