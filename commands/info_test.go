package commands

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// info runs an INFO, and returns the titles of its sections and its fields.
func (k *keeper) info(line string) (titles []string, fields map[string]string) {
	k.t.Helper()
	reply := string(k.raw(k.user, wordsOf(line)))
	_, text, _ := strings.Cut(reply, "\r\n")
	fields = map[string]string{}
	for _, l := range strings.Split(text, "\r\n") {
		if title, ok := strings.CutPrefix(l, "# "); ok {
			titles = append(titles, strings.ToLower(title))
		} else if name, value, ok := strings.Cut(l, ":"); ok {
			fields[name] = value
		}
	}
	return titles, fields
}

func wordsOf(line string) (args [][]byte) {
	for _, w := range strings.Fields(line) {
		args = append(args, []byte(w))
	}
	return args
}

func TestInfoSections(t *testing.T) {
	common := strings.Fields("server clients memory persistence stats replication cpu modules errorstats cluster keyspace")
	all := strings.Fields("server clients memory persistence stats replication cpu modules commandstats errorstats latencystats cluster keyspace")
	for _, x := range []struct {
		line string
		want []string
	}{
		{"INFO", common},
		{"INFO default", common},
		{"INFO all", all},
		{"INFO everything", all},
		{"INFO Keyspace server", []string{"server", "keyspace"}},
		{"INFO nosuch", nil},
		{"INFO nosuch cluster", []string{"cluster"}},
	} {
		if got, _ := newServer(t).info(x.line); !slices.Equal(got, x.want) {
			t.Errorf("%s: %v\nwanted %v", x.line, got, x.want)
		}
	}
}

// The text's form is Redis's to the byte: a blank line between sections, and none at the end.
func TestInfoText(t *testing.T) {
	k := newServer(t)
	k.expect("SET a 1", "+OK")
	k.expect("SET b 1 PX 5000", "+OK")
	want := "# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=5000\r\n"
	if got := string(k.raw(k.user, wordsOf("INFO cluster keyspace"))); got != "$79\r\n"+want+"\r\n" {
		t.Errorf("got %q", got)
	}
	k.do("HELLO 3")
	if got := string(k.raw(k.user, wordsOf("INFO cluster keyspace"))); got != "=83\r\ntxt:"+want+"\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestInfoFields(t *testing.T) {
	k := newServer(t)
	k.advance(90_000_000)
	k.figures = Figures{
		StartTime: beginning, Version: "1.2.3", RunID: "abc", Port: 6379, ProcessID: 77,
		LastSave: 1_700_000_500_000, LastSaveOK: false, SaveRunning: true, SaveStarted: k.now - 3000, SaveMillis: 2500,
		Changes: 9, LastLSN: 30, DurableLSN: 29, CheckpointLSN: 20, LogEnabled: true, LogBytes: 4096, LogSegments: 2,
		Commands: 1000, Hits: 3, Misses: 4, Expired: 5, Blocked: 1, LogWaiting: 70, LogFull: true,
		Memory: 2048, MemoryPeak: 4096, MemoryBound: 1000, MemorySpare: 24,
		Errors: map[string]int64{"WRONGTYPE": 2, "ERR": 3, "MADE:UP#BY": 1}, Recovery: "nothing to recover",
	}
	k.world.Table.Lookup([]byte("get")).Stats = Stats{Calls: 4, Time: 6 * time.Microsecond, Failed: 1}
	_, got := k.info("INFO everything")
	for name, want := range map[string]string{
		"redis_version": "7.2.4", "holdfast_version": "1.2.3", "redis_mode": "standalone", "process_id": "77", "run_id": "abc",
		"uptime_in_seconds": "90000", "uptime_in_days": "1", "tcp_port": "6379",
		"connected_clients": "1", "maxclients": "10000", "blocked_clients": "1",
		"used_memory": "2048", "used_memory_human": "2.00K", "used_memory_peak_perc": "50.00%", "maxmemory_policy": "noeviction",
		"used_memory_rss": "1500", "mem_fragmentation_bytes": "-548", "allocator_allocated": "1000", "allocator_active": "1024", "allocator_resident": "2048",
		"mem_not_counted_for_evict": "1048", "mem_clients_normal": "300", "mem_aof_buffer": "70", "aof_buffer_length": "70",
		"loading": "0", "rdb_changes_since_last_save": "9", "rdb_bgsave_in_progress": "1", "rdb_last_save_time": "1700000500",
		"rdb_last_bgsave_status": "err", "rdb_last_bgsave_time_sec": "2", "rdb_current_bgsave_time_sec": "3",
		"aof_enabled": "1", "aof_rewrite_in_progress": "1", "aof_last_write_status": "err", "aof_current_size": "4096",
		"last_lsn": "30", "durable_lsn": "29", "checkpoint_lsn": "20", "log_segments": "2", "recovery": "nothing to recover",
		"total_connections_received": "12", "total_commands_processed": "1000", "keyspace_hits": "3", "keyspace_misses": "4",
		"expired_keys": "5", "total_error_replies": "6", "role": "master", "connected_slaves": "0",
		"cmdstat_get":   "calls=4,usec=6,usec_per_call=1.50,rejected_calls=0,failed_calls=1",
		"errorstat_ERR": "count=3", "errorstat_WRONGTYPE": "count=2", "errorstat_MADE_UP_BY": "count=1",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, wanted %q", name, got[name], want)
		}
	}
}

func TestHumanBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0B", 1023: "1023B", 1024: "1.00K", 1536: "1.50K", 916512: "895.03K", 12242944: "11.68M", 25276063744: "23.54G",
		1 << 60: "1.00E",
	} {
		if got := humanBytes(n); got != want {
			t.Errorf("%d: %s, wanted %s", n, got, want)
		}
	}
}
