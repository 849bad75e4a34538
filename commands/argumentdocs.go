package commands

import (
	"fmt"
	"strings"
)

// argumentDetails tells of commands' arguments what their syntax lines do not: the commands, a version of Redis, and the
// arguments that are there since it, or behind -version deprecated since it. old=new gives an argument another name. An
// argument is named by its token, or by its name, and is the first so named that the line has, the whole before its parts.
const argumentDetails = `
acl|cat category=categoryname
auth 6.0.0 username
bgsave 3.2.2 SCHEDULE
bitcount,bitpos 7.0.0 index_unit
client|kill -2.8.12 ip:port 2.8.12 ID TYPE 3.2.0 MASTER 5.0.0 REPLICA 6.2.0 LADDR
client|list 5.0.0 TYPE 6.2.0 ID
client|pause 6.2.0 mode
client|tracking enabled=status
cluster|meet 4.0.0 cluster_bus_port
expire,expireat,pexpire,pexpireat 7.0.0 condition
flushall,flushdb 4.0.0 ASYNC 6.2.0 SYNC
geoadd 6.2.0 condition CH
georadius,georadius_ro 6.2.0 ANY
hscan 7.4.0 NOVALUES
lmove,blmove where=wherefrom where=whereto
lpop,rpop 6.2.0 count
migrate 3.0.0 COPY REPLACE 3.0.6 KEYS 4.0.7 AUTH 6.0.0 AUTH2
restore,restore-asking 3.0.0 REPLACE 5.0.0 ABSTTL IDLETIME FREQ
scan 6.0.0 TYPE
script|flush 6.2.0 async
set 2.6.12 condition EX PX 6.0.0 KEEPTTL 6.2.0 GET EXAT PXAT
shutdown 7.0.0 NOW FORCE ABORT
spop 3.2.0 count
srandmember 2.6.0 count
xadd 6.2.0 NOMKSTREAM MINID LIMIT
xpending 6.2.0 IDLE
xsetid 7.0.0 ENTRIESADDED MAXDELETEDID
xtrim 6.2.0 MINID LIMIT
zadd 3.0.2 condition CH INCR 6.2.0 comparison
zrange 6.2.0 sortby REV LIMIT
zrangebyscore 2.0.0 WITHSCORES
zrank,zrevrank 7.2.0 WITHSCORE
`

// detailsOfArguments are the words behind each command in argumentDetails.
func detailsOfArguments() map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(argumentDetails) {
		names, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		for name := range strings.SplitSeq(names, ",") {
			all[name] = strings.Fields(rest)
		}
	}
	return all
}

// documentedArguments reads a syntax line, and adds what details tell.
func documentedArguments(syntax string, details []string) ([]Argument, error) {
	args, err := ParseSyntax(syntax)
	if err != nil {
		return nil, err
	}
	version := ""
	for _, word := range details {
		if first := strings.TrimPrefix(word, "-")[0]; '0' <= first && first <= '9' {
			version = word
			continue
		}
		word, name, renamed := strings.Cut(word, "=")
		a := findArgument(args, word)
		if a == nil {
			return nil, fmt.Errorf("no argument %s", word)
		}
		if old, ok := strings.CutPrefix(version, "-"); renamed {
			a.Name = name
		} else if ok {
			a.Deprecated = old
		} else {
			a.Since = version
		}
	}
	return args, nil
}

// findArgument finds by token or name, or returns nil.
func findArgument(args []Argument, word string) *Argument {
	for i := range args {
		a := &args[i]
		if a.Token == word || a.Name == word {
			return a
		}
		if part := findArgument(a.Parts, word); part != nil {
			return part
		}
	}
	return nil
}

// groupName is what arguments that stand together are called, of whose names, joined, there is a name of its own: that of
// Redis, for most.
func groupName(joined string) string {
	switch joined {
	case "nx_xx", "nx_xx_gt_lt", "fnx_fxx":
		return "condition"
	case "seconds_milliseconds_unix-time-seconds_unix-time-milliseconds_keepttl",
		"seconds_milliseconds_unix-time-seconds_unix-time-milliseconds_persist":
		return "expiration"
	case "gt_lt":
		return "comparison"
	case "left_right", "min_max", "before_after":
		return "where"
	case "asc_desc":
		return "order"
	case "byscore_bylex":
		return "sortby"
	case "sum_min_max":
		return "aggregate"
	case "count_withscores", "count_withvalues", "force_takeover":
		return "options"
	case "numfields_field", "numfields_field_value":
		return "fields"
	case "async_sync":
		return "async"
	case "flush_append_replace":
		return "policy"
	case "on_off":
		return "enabled"
	case "yes_no", "write_all", "yes_sync_no":
		return "mode"
	case "count_reset", "and_or_xor_not":
		return "operation"
	case "node-id_node-id_node-id_stable", "getreg_decode_encoding_todense":
		return "subcommand"
	}
	return familyGroupName(joined)
}

// familyGroupName has the groups that are one family's.
func familyGroupName(joined string) string {
	switch joined {
	case "byte_bit":
		return "index_unit"
	case "start_end_index_unit", "start_end_index":
		return "index"
	case "end_index_unit":
		return "end_index"
	case "encoding_offset_value_encoding_offset_increment":
		return "write_operation"
	case "wrap_sat_fail_write_operation":
		return "write"
	case "encoding_offset_write":
		return "operation"
	case "m_km_ft_mi":
		return "unit"
	case "member_longitude_latitude":
		return "from"
	case "radius_unit":
		return "circle"
	case "width_height_unit":
		return "box"
	case "circle_box":
		return "by"
	case "count_any":
		return "count"
	case "maxlen_minid":
		return "strategy"
	case "equal_approximately":
		return "operator"
	case "strategy_operator_threshold_count":
		return "trim"
	case "auto_id_id":
		return "id_or_auto"
	case "id_new_id":
		return "id"
	case "key_id":
		return "streams"
	case "min-idle-time_start_end_count_consumer":
		return "filters"
	case "full_count":
		return "full-block"
	}
	return serverGroupName(joined)
}

// serverGroupName has the groups of commands about the server and its clients.
func serverGroupName(joined string) string {
	switch joined {
	case "protover_username_password_clientname":
		return "arguments"
	case "normal_master_slave_replica_pubsub":
		return "normal_master_slave_pubsub"
	case "client-id_normal_master_slave_pubsub_username_ip:port_ip:port_yes/no":
		return "new-format"
	case "ip:port_new-format":
		return "filter"
	case "libname_libver":
		return "attr"
	case "module-name_category_pattern":
		return "filterby"
	case "name_value":
		return "configs"
	case "key_empty_string":
		return "key_or_empty_string"
	case "password_username_password":
		return "authentication"
	case "host_port":
		return "host-port"
	case "no_one":
		return "no-one"
	case "host-port_no-one":
		return "args"
	case "host_port_force":
		return "target"
	}
	return joined
}
