package commands

import (
	"strings"

	"holdfast/resp"
)

// versions tells what later versions of Redis brought to a command: its name, the version, and what is new; in the order in which
// COMMAND DOCS has them.
const versions = `
acl|getuser 6.2.0 Tells the patterns of channels.
acl|getuser 7.0.0 Tells selectors; patterns of keys and channels come as rules and not as lists.
acl|setuser 6.2.0 Takes patterns of channels.
acl|setuser 7.0.0 Takes selectors, and patterns of keys to read or to write only.
auth 6.0.0 Takes a user's name before the password.
bgsave 3.2.2 SCHEDULE.
bitcount 7.0.0 BYTE and BIT.
bitpos 7.0.0 BYTE and BIT.
blpop 6.0.0 The timeout may have decimals.
brpop 6.0.0 The timeout may have decimals.
brpoplpush 6.0.0 The timeout may have decimals.
bzpopmax 6.0.0 The timeout may have decimals.
bzpopmin 6.0.0 The timeout may have decimals.
client|kill 2.8.12 Filters, beside the address alone.
client|kill 2.8.12 ID.
client|kill 3.2.0 TYPE may be master.
client|kill 5.0.0 TYPE may be replica, which slave still means too.
client|kill 6.2.0 LADDR.
client|list 2.8.12 The field id.
client|list 5.0.0 TYPE.
client|list 6.0.0 The field user.
client|list 6.2.0 ID, and the fields argv-mem, tot-mem, laddr and redir.
client|list 7.0.0 The fields resp, multi-mem, rbs and rbp.
client|list 7.0.3 The field ssub.
client|pause 6.2.0 A mode: WRITE or ALL.
cluster|meet 4.0.0 Takes the port of the bus.
cluster|slots 4.0.0 Tells the IDs of nodes.
cluster|slots 7.0.0 Tells more of how nodes are reached.
command|info 7.0.0 Without a name it tells of all commands.
config|get 7.0.0 Takes several patterns.
config|set 7.0.0 Takes several settings, all or none.
exists 3.0.3 Takes several keys.
expire 7.0.0 NX, XX, GT and LT.
expireat 7.0.0 NX, XX, GT and LT.
flushall 4.0.0 ASYNC.
flushall 6.2.0 SYNC.
flushdb 4.0.0 ASYNC.
flushdb 6.2.0 SYNC.
geoadd 6.2.0 CH, NX and XX.
georadius 6.2.0 COUNT with ANY.
georadius 7.0.0 Units may be in capitals.
georadius_ro 6.2.0 COUNT with ANY.
georadiusbymember 7.0.0 Units may be in capitals.
geosearch 7.0.0 Units may be in capitals.
geosearchstore 7.0.0 Units may be in capitals.
hdel 2.4.0 Takes several fields.
hello 6.2.0 Without a version it tells of the connection and changes nothing.
hset 4.0.0 Takes several fields with their values.
info 7.0.0 Takes several sections.
lpop 6.2.0 Takes a count.
lpush 2.4.0 Takes several elements.
lpushx 4.0.0 Takes several elements.
migrate 3.0.0 COPY and REPLACE.
migrate 3.0.6 KEYS.
migrate 4.0.7 AUTH.
migrate 6.0.0 AUTH2.
pexpire 7.0.0 NX, XX, GT and LT.
pexpireat 7.0.0 NX, XX, GT and LT.
pttl 2.8.0 Replies -2 where there is no key.
renamenx 3.2.0 Two names that are the same are no error.
restore 3.0.0 REPLACE.
restore 5.0.0 ABSTTL.
restore 5.0.0 IDLETIME and FREQ.
restore-asking 3.0.0 REPLACE.
restore-asking 5.0.0 ABSTTL.
restore-asking 5.0.0 IDLETIME and FREQ.
rpop 6.2.0 Takes a count.
rpush 2.4.0 Takes several elements.
rpushx 4.0.0 Takes several elements.
sadd 2.4.0 Takes several members.
scan 6.0.0 TYPE.
script|flush 6.2.0 ASYNC and SYNC.
set 2.6.12 EX, PX, NX and XX.
set 6.0.0 KEEPTTL.
set 6.2.0 GET, EXAT and PXAT.
set 7.0.0 NX together with GET.
shutdown 7.0.0 NOW, FORCE and ABORT.
slowlog|get 4.0.0 Tells the client's address and name.
spop 3.2.0 Takes a count.
srandmember 2.6.0 Takes a count.
srem 2.4.0 Takes several members.
ttl 2.8.0 Replies -2 where there is no key.
xadd 6.2.0 NOMKSTREAM, MINID and LIMIT.
xadd 7.0.0 IDs of a given millisecond: ms-*.
xautoclaim 7.0.0 Tells the entries that were pending and are gone.
xgroup|create 7.0.0 ENTRIESREAD.
xgroup|setid 7.0.0 ENTRIESREAD.
xinfo|groups 7.0.0 The fields entries-read and lag.
xinfo|stream 6.0.0 FULL.
xinfo|stream 7.0.0 The fields max-deleted-entry-id, entries-added, recorded-first-entry-id, entries-read and lag.
xpending 6.2.0 IDLE, and ranges without their ends.
xrange 6.2.0 Ranges without their ends.
xrevrange 6.2.0 Ranges without their ends.
xsetid 7.0.0 ENTRIESADDED and MAXDELETEDID.
xtrim 6.2.0 MINID and LIMIT.
zadd 2.4.0 Takes several members.
zadd 3.0.2 XX, NX, CH and INCR.
zadd 6.2.0 GT and LT.
zrange 6.2.0 REV, BYSCORE, BYLEX and LIMIT.
zrangebyscore 2.0.0 WITHSCORES.
zrem 2.4.0 Takes several members.
zrevrangebyscore 2.1.6 Ranges without their ends.
`

// histories are the lines of versions by command.
func histories() map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(versions) {
		if name, rest, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			all[name] = append(all[name], rest)
		}
	}
	return all
}

// writeHistory writes what later versions brought, as pairs of a version and a text.
func writeHistory(w *resp.Writer, lines []string) {
	w.BulkString("history")
	w.Set(len(lines))
	for _, line := range lines {
		version, what, _ := strings.Cut(line, " ")
		w.Array(2)
		w.BulkString(version)
		w.BulkString(what)
	}
}
