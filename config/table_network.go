package config

// networkTable: where the server listens, who may come in, and how much one client may ask for.
func networkTable() []Directive {
	return []Directive{
		// bind and port are changeable in Redis; the event loop here cannot move a listener.
		{Name: "addr", Kind: KindAddr, Default: "127.0.0.1:6379", Change: AtStart, Usage: "where to listen, as host:port; shorthand for bind and port, which overrule it"},
		{Name: "bind", Kind: KindWords, Default: "127.0.0.1", Change: AtStart, Usage: "addresses to listen on; * and -::* for all, a leading - for those that may be missing"},
		{Name: "port", Kind: KindInt, Default: "6379", Max: 65535, Change: AtStart, Usage: "TCP port to listen on (0: none)"},
		{Name: "unixsocket", Default: "", Change: AtStart, Usage: "path of a unix socket to listen on"},
		{Name: "unixsocketperm", Kind: KindOctal, Default: "0", Max: 0o777, Change: AtStart, Usage: "file mode of the unix socket (0: as umask says)"},
		{Name: "tcp-backlog", Kind: KindInt, Default: "511", Max: maxInt32, Change: AtStart, Inert: true, Usage: "connections that may wait to be accepted"},
		{Name: "tcp-keepalive", Kind: KindInt, Default: "300", Max: maxInt32, Usage: "seconds between TCP keepalive probes (0: off)"},
		{Name: "timeout", Kind: KindInt, Default: "0", Max: maxInt32, Usage: "seconds of silence after which a client is disconnected (0: never)"},
		{Name: "maxclients", Kind: KindInt, Default: "10000", Min: 1, Max: maxUint32, Usage: "clients that may be connected at a time"},
		{Name: "loops", Kind: KindInt, Default: "0", Max: 1024, Change: AtStart, Usage: "event loops that serve clients (0: one for every two processors, 8 at most)"},
		{Name: "requirepass", Default: "", Usage: "password that clients have to give with AUTH or HELLO (empty: none)"},
		{Name: "aclfile", Default: "", Change: AtStart, Usage: "file with users, which ACL SAVE writes and ACL LOAD reads (empty: none)"},
		{Name: "acl-pubsub-default", Kind: KindEnum, Default: "resetchannels", Choices: []string{"allchannels", "resetchannels"}, Usage: "channels of a new user: all (allchannels) or none (resetchannels)"},
		{Name: "protected-mode", Kind: KindBool, Default: "yes", Usage: "without a password, serve only clients of this machine"},
		{Name: "proto-max-bulk-len", Kind: KindMemory, Default: "536870912", Min: megabyte, Max: maxInt64, Usage: "longest argument that a client may send"},
		{Name: "client-query-buffer-limit", Kind: KindMemory, Default: "1073741824", Min: megabyte, Max: maxInt64, Usage: "most bytes of unfinished commands that a client may have sent"},
		{Name: "client-output-buffer-limit", Kind: KindOutputLimits, Default: "normal 1073741824 268435456 60 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
			Usage: "disconnect clients that do not read their replies: class, hard limit, soft limit, soft seconds"},
		{Name: "tracking-table-max-keys", Kind: KindInt, Default: "1000000", Max: maxInt64, Usage: "keys remembered for client-side caching (0: no limit)"},
	}
}
