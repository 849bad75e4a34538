package config

import (
	"strconv"
	"strings"
)

// processTable: the process, and what its operator allows.
func processTable() []Directive {
	return []Directive{
		{Name: "busy-reply-threshold", Aliases: []string{"lua-time-limit"}, Kind: KindInt, Default: "5000", Max: maxInt64, Usage: "milliseconds after which a script makes other clients be answered BUSY (0: never)"},
		{Name: "script-memory-limit", Kind: KindMemory, Default: "268435456", Max: maxInt64, Usage: "most memory that one script may take, roughly (0: no limit)"},
		{Name: "enable-debug-command", Kind: KindEnum, Default: "no", Choices: []string{"no", "yes", "local"}, Change: AtStart, Usage: "whether DEBUG may be used: yes, no, or local (only from this machine)"},
		{Name: "pidfile", Default: "", Change: AtStart, Inert: true, Usage: "file to write the process id to"},

		{Name: "daemonize", Kind: KindBool, Default: "no", Change: AtStart, Fixed: true, Usage: "go into the background; leave that to the service manager"},
		{Name: "supervised", Kind: KindEnum, Default: "no", Choices: []string{"upstart", "systemd", "auto", "no"}, Change: AtStart, Inert: true, Usage: "service manager to tell when the server is ready"},
		{Name: "set-proc-title", Kind: KindBool, Default: "yes", Change: AtStart, Inert: true, Usage: "show address and mode in the list of processes"},
		{Name: "proc-title-template", Default: "{title} {listen-addr} {server-mode}", Inert: true, check: titleTemplate, Usage: "what set-proc-title shows"},
		{Name: "always-show-logo", Kind: KindBool, Default: "no", Change: AtStart, Inert: true, Usage: "a picture at the start of the log"},
		{Name: "io-threads", Kind: KindInt, Default: "1", Min: 1, Max: 128, Change: AtStart, Inert: true, Usage: "threads for sockets; see loops"},
		{Name: "io-threads-do-reads", Kind: KindBool, Default: "no", Change: AtStart, Inert: true, Usage: "threads for reading; see loops"},
		{Name: "oom-score-adj", Kind: KindEnum, Default: "no", Choices: []string{"no", "yes", "relative", "absolute"}, Inert: true, Usage: "advice to the kernel about whom to kill; leave that to the service manager"},
		{Name: "oom-score-adj-values", Kind: KindWords, Default: "0 200 800", Inert: true, check: scores, Usage: "values for oom-score-adj"},
		{Name: "disable-thp", Kind: KindBool, Default: "yes", Change: AtStart, Inert: true, Usage: "no huge pages, which hurt a server that forks"},
		{Name: "crash-log-enabled", Kind: KindBool, Default: "yes", Inert: true, Usage: "report in the log at a crash"},
		{Name: "crash-memcheck-enabled", Kind: KindBool, Default: "yes", Inert: true, Usage: "test of the memory at a crash"},
		{Name: "enable-protected-configs", Kind: KindEnum, Default: "no", Choices: []string{"no", "yes", "local"}, Change: AtStart, Fixed: true, Usage: "let CONFIG SET change protected settings"},
		{Name: "enable-module-command", Kind: KindEnum, Default: "no", Choices: []string{"no", "yes", "local"}, Change: AtStart, Inert: true, Usage: "let MODULE load code; there are no modules here"},
		{Name: "server_cpulist", Default: "", Change: AtStart, Inert: true, Usage: "processors for the server; leave that to the service manager"},
		{Name: "bio_cpulist", Default: "", Change: AtStart, Inert: true, Usage: "processors for background threads"},
		{Name: "aof_rewrite_cpulist", Default: "", Change: AtStart, Inert: true, Usage: "processors for AOF rewrites"},
		{Name: "bgsave_cpulist", Default: "", Change: AtStart, Inert: true, Usage: "processors for BGSAVE"},
		{Name: "socket-mark-id", Kind: KindInt, Default: "0", Max: maxUint32, Change: AtStart, Inert: true, Usage: "mark of the sockets, for firewalls"},
		{Name: "ignore-warnings", Default: "", Inert: true, Usage: "warnings at the start that are not to stop it"},
	}
}

// scores refuses what is not three numbers for the kernel.
func scores(value string) string {
	words := strings.Fields(value)
	if len(words) != 3 {
		return "wrong number of arguments"
	}
	for _, word := range words {
		if n, err := strconv.Atoi(word); err != nil || n < -2000 || n > 2000 {
			return "Invalid oom-score-adj-values, elements must be between -2000 and 2000."
		}
	}
	return ""
}

// titleTemplate refuses a template with variables that Redis does not know. {{ stands for a brace.
func titleTemplate(value string) string {
	known := strings.NewReplacer("{{", "x", "{listen-addr}", "x", "{server-mode}", "x", "{port}", "x", "{tls-port}", "x",
		"{title}", "", "{unixsocket}", "", "{config-file}", "")
	if rest := known.Replace(value); rest == "" || strings.Contains(rest, "{") {
		return "template format is invalid or contains unknown variables"
	}
	return ""
}
