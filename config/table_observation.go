package config

// observationTable: what the server tells about itself, and to whom.
func observationTable() []Directive {
	return []Directive{
		{Name: "loglevel", Kind: KindEnum, Default: "notice", Choices: []string{"debug", "verbose", "notice", "warning"}, Usage: "least weight of what is logged: debug, verbose, notice or warning"},
		{Name: "logfile", Default: "", Change: AtStart, Usage: "file to log to (empty: standard error)"},
		{Name: "log-format", Kind: KindEnum, Default: "text", Choices: []string{"text", "json"}, Change: AtStart, Usage: "form of the log's lines: text or json"},
		{Name: "metrics-addr", Default: "", Change: AtStart, check: hostPort, Usage: "where to serve /metrics for Prometheus, /healthz and /readyz by HTTP, as host:port (empty: nowhere)"},
		{Name: "slowlog-log-slower-than", Kind: KindInt, Default: "10000", Min: -1, Max: maxInt64, Usage: "microseconds above which a command is remembered in SLOWLOG (0: all, -1: none)"},
		{Name: "slowlog-max-len", Kind: KindInt, Default: "128", Max: maxInt64, Usage: "commands that SLOWLOG remembers"},
		{Name: "latency-monitor-threshold", Kind: KindInt, Default: "0", Max: maxInt64, Usage: "milliseconds above which an event is remembered in LATENCY (0: none)"},
		{Name: "latency-tracking", Kind: KindBool, Default: "yes", Usage: "keep a histogram of latencies for each command"},
		{Name: "latency-tracking-info-percentiles", Kind: KindPercentiles, Default: "50 99 99.9", Usage: "percentiles of latencies that INFO prints"},
		{Name: "notify-keyspace-events", Kind: KindEvents, Default: "", Usage: "events to publish: K and/or E for the channel, then classes, or A for all (empty: none)"},
		{Name: "acllog-max-len", Kind: KindInt, Default: "128", Max: maxInt64, Usage: "refusals that ACL LOG remembers"},

		{Name: "syslog-enabled", Kind: KindBool, Default: "no", Change: AtStart, Fixed: true, Usage: "log to syslog; leave that to the service manager"},
		{Name: "syslog-ident", Default: "redis", Change: AtStart, Inert: true, Usage: "name in syslog"},
		{Name: "syslog-facility", Kind: KindEnum, Default: "local0", Choices: []string{"user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}, Change: AtStart, Inert: true, Usage: "facility in syslog"},
	}
}

// hostPort refuses what is no address to listen on.
func hostPort(value string) string {
	if _, _, ok := splitAddr(value); value != "" && !ok {
		return "argument must be host:port"
	}
	return ""
}
