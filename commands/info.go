package commands

import (
	"fmt"
	"holdfast/acl"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/pubsub"
)

// infoSection is a part of INFO. The names of the fields are Redis's where it has such a field: tools look them up.
type infoSection struct {
	name    string
	title   string
	unasked bool // printed when no section is named
	write   func(c *Call, t *infoText)
}

func infoSections() []infoSection {
	return []infoSection{
		{"server", "Server", true, infoServer},
		{"clients", "Clients", true, infoClients},
		{"memory", "Memory", true, infoMemory},
		{"persistence", "Persistence", true, infoPersistence},
		{"stats", "Stats", true, infoStats},
		{"replication", "Replication", true, infoReplication},
		{"cpu", "CPU", true, infoCPU},
		{"modules", "Modules", true, func(*Call, *infoText) {}},
		{"commandstats", "Commandstats", false, infoCommands},
		{"errorstats", "Errorstats", true, infoErrors},
		{"latencystats", "Latencystats", false, infoLatencies},
		{"cluster", "Cluster", true, func(_ *Call, t *infoText) { t.field("cluster_enabled", 0) }},
		{"keyspace", "Keyspace", true, infoKeyspace},
	}
}

// INFO [section [section ...]]
func infoCommand(c *Call) {
	t := infoText{figures: c.Keeper.Figures(), text: make([]byte, 0, infoBytes)}
	for _, s := range infoSections() {
		if c.wantsSection(s) {
			t.section(s.title)
			s.write(c, &t)
			for _, none := range infoNone(s.name) {
				t.field(none.name, none.value)
			}
		}
	}
	c.Reply.Verbatim("txt", string(t.text))
}

// wantsSection reports whether a section is asked for. A name that is unknown asks for nothing.
func (c *Call) wantsSection(s infoSection) bool {
	if len(c.Args) == 1 {
		return s.unasked
	}
	return slices.ContainsFunc(c.Args[1:], func(arg []byte) bool {
		switch name := string(fold(nil, arg)); name {
		case "default":
			return s.unasked
		case "all", "everything":
			return true
		default:
			return name == s.name
		}
	})
}

// infoBytes is what one section takes, roughly; a monitor asks for one at a time, and often.
const infoBytes = 2 << 10

// infoText gathers INFO's lines.
type infoText struct {
	figures Figures
	text    []byte
}

func (t *infoText) section(title string) {
	if len(t.text) > 0 {
		t.text = append(t.text, "\r\n"...)
	}
	t.text = fmt.Appendf(t.text, "# %s\r\n", title)
}

func (t *infoText) field(name string, value any) {
	t.text = append(append(t.text, name...), ':')
	switch v := value.(type) {
	case string:
		t.text = append(t.text, v...)
	case int64:
		t.text = strconv.AppendInt(t.text, v, 10)
	case int:
		t.text = strconv.AppendInt(t.text, int64(v), 10)
	default:
		t.text = fmt.Append(t.text, v)
	}
	t.text = append(t.text, "\r\n"...)
}

// bytes writes a size twice: exactly, and as people like it.
func (t *infoText) bytes(name string, n int64) {
	t.field(name, n)
	t.field(name+"_human", humanBytes(n))
}

// humanBytes prints a size as Redis does: 512B, 1.50K, 20.00M.
func humanBytes(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%dB", n)
	}
	size, units := float64(n)/1024, "KMGTPE"
	for size >= 1024 {
		size, units = size/1024, units[1:]
	}
	return fmt.Sprintf("%.2f%c", size, units[0])
}

// ratio is a/b in two decimals, 0 where b is.
func ratio(a, b int64) string {
	if b == 0 {
		return "0.00"
	}
	return fmt.Sprintf("%.2f", float64(a)/float64(b))
}

// hydrated is the share of the keys that a start found in the base and that have been fetched since, in percent.
func hydrated(f Figures) string {
	if f.HydrationTotal == 0 {
		return "100.00%"
	}
	return fmt.Sprintf("%.2f%%", 100*float64(max(0, f.HydrationTotal-f.ColdKeys))/float64(f.HydrationTotal))
}

// okOrErr is how INFO says whether something went well.
func okOrErr(ok bool) string {
	if ok {
		return "ok"
	}
	return "err"
}

func infoServer(c *Call, t *infoText) {
	f, uptime := &t.figures, c.secondsSince(t.figures.StartTime)
	const secondsPerDay = 24 * 60 * 60
	hz := c.Config.Int("hz").Load()
	t.field("redis_version", redisVersion)
	t.field("holdfast_version", f.Version)
	t.field("redis_mode", "standalone")
	t.field("os", runtime.GOOS+" "+runtime.GOARCH)
	t.field("arch_bits", 64)
	t.field("go_version", runtime.Version())
	t.field("process_id", f.ProcessID)
	t.field("run_id", f.RunID)
	t.field("tcp_port", f.Port)
	t.field("server_time_usec", c.Clock().UnixMicro())
	t.field("uptime_in_seconds", uptime)
	t.field("uptime_in_days", uptime/secondsPerDay)
	t.field("hz", hz)
	t.field("configured_hz", hz)
	t.field("lru_clock", c.Now/1000&(1<<lruClockBits-1))
	t.field("executable", f.Executable)
	t.field("config_file", f.ConfigFile)
}

func infoClients(c *Call, t *infoText) {
	f := c.Clients.Figures()
	t.field("connected_clients", f.Connected)
	t.field("cluster_connections", 0)
	t.field("maxclients", f.MaxClients)
	t.field("client_recent_max_input_buffer", f.BiggestIn)
	t.field("client_recent_max_output_buffer", f.BiggestOut)
	t.field("blocked_clients", t.figures.Blocked)
	t.field("tracking_clients", c.Tracking.Count())
	t.field("clients_in_timeout_table", 0)
}

func infoMemory(c *Call, t *infoText) {
	f, resident := &t.figures, c.Keeper.ResidentMemory()
	t.bytes("used_memory", f.Memory)
	t.bytes("used_memory_rss", resident)
	t.bytes("used_memory_peak", f.MemoryPeak)
	t.field("used_memory_peak_perc", ratio(100*f.Memory, f.MemoryPeak)+"%")
	t.field("used_memory_overhead", f.Memory-f.MemoryData)
	t.field("used_memory_startup", f.MemoryStartup)
	t.field("used_memory_dataset", f.MemoryData)
	t.field("used_memory_dataset_perc", ratio(100*f.MemoryData, f.Memory)+"%")
	t.field("allocator_allocated", f.MemoryBound)
	t.field("allocator_active", f.memoryLive())
	t.field("allocator_resident", f.Memory)
	t.field("allocator_frag_ratio", ratio(f.memoryLive(), f.MemoryBound))
	t.field("allocator_frag_bytes", f.MemorySpare)
	t.field("allocator_rss_ratio", ratio(f.Memory, f.memoryLive()))
	t.field("allocator_rss_bytes", f.memoryGarbage())
	t.bytes("total_system_memory", f.MachineMemory)
	t.bytes("used_memory_lua", 0)
	t.field("number_of_cached_scripts", len(c.Scripts.cache))
	t.field("number_of_libraries", len(c.Scripts.functions.libraries))
	t.field("number_of_functions", len(c.Scripts.functions.byName))
	t.bytes("maxmemory", c.directives().maxmemory.Load())
	t.field("maxmemory_policy", c.directives().policy.Load())
	t.field("mem_fragmentation_ratio", ratio(resident, f.Memory))
	t.field("mem_fragmentation_bytes", resident-f.Memory)
	t.field("mem_not_counted_for_evict", max(0, f.Memory-f.MemoryBound))
	t.field("mem_clients_normal", c.Clients.Figures().Buffered)
	t.field("mem_aof_buffer", f.LogWaiting)
	t.field("mem_allocator", "go")
	t.field("active_defrag_running", 0)
	t.field("lazyfree_pending_objects", 0)
}

// infoPersistence prints a checkpoint as Redis does a save, and as a rewrite of the log too where one is kept: it is
// both. What only holdfast has is below.
func infoPersistence(c *Call, t *infoText) {
	f := &t.figures
	saving := int64(-1)
	if f.SaveRunning {
		saving = c.secondsSince(f.SaveStarted)
	}
	lastTook := int64(-1)
	if f.SaveMillis > 0 {
		lastTook = f.SaveMillis / 1000
	}
	t.field("loading", 0)
	t.field("async_loading", 0)
	t.field("rdb_changes_since_last_save", f.Changes)
	t.field("rdb_bgsave_in_progress", flag(f.SaveRunning))
	t.field("rdb_last_save_time", f.LastSave/1000)
	t.field("rdb_last_bgsave_status", okOrErr(f.LastSaveOK))
	t.field("rdb_last_bgsave_time_sec", lastTook)
	t.field("rdb_current_bgsave_time_sec", saving)
	t.field("rdb_last_load_keys_expired", f.KeysLapsed)
	t.field("rdb_last_load_keys_loaded", f.KeysLoaded)
	t.field("rdb_saves", f.Checkpoints)
	t.field("aof_enabled", flag(f.LogEnabled))
	t.field("aof_rewrites", f.Checkpoints)
	t.field("aof_rewrite_in_progress", flag(f.LogEnabled && f.SaveRunning || f.Switching))
	t.field("aof_rewrite_scheduled", 0)
	t.field("aof_last_rewrite_time_sec", lastTook)
	t.field("aof_current_rewrite_time_sec", saving)
	t.field("aof_last_bgrewrite_status", okOrErr(f.LastSaveOK))
	t.field("aof_last_write_status", okOrErr(!f.LogFull)) // a write that fails ends the process
	if f.LogEnabled {
		t.field("aof_current_size", f.LogBytes)
		t.field("aof_base_size", f.CheckpointBytes)
		t.field("aof_pending_rewrite", 0)
		t.field("aof_buffer_length", f.LogWaiting)
		t.field("aof_pending_bio_fsync", 0)
		t.field("aof_delayed_fsync", 0)
	}
	t.field("last_lsn", f.LastLSN)
	t.field("durable_lsn", f.DurableLSN)
	t.field("log_segments", f.LogSegments)
	t.field("checkpoint_lsn", f.CheckpointLSN)
	t.field("checkpoint_keys", f.CheckpointKeys)
	t.field("checkpoint_bytes", f.CheckpointBytes)
	t.field("checkpoint_pages", f.CheckpointPages)
	t.field("checkpoint_msec", f.SaveMillis)
	t.field("checkpoint_longest_slice_usec", f.CheckpointSlice)
	t.field("hydrating", flag(f.Hydrating))
	t.field("cold_keys", f.ColdKeys)
	t.field("hydrated_perc", hydrated(*f))
	t.field("hydration_left_sec", f.HydrationLeft)
	t.field("retained_from_lsn", f.RetainedFromLSN)
	t.field("retained_from_time", (f.RetainedFromTime+999)/1000) // no earlier than what can be restored
	t.field("retained_bytes", f.RetainedBytes)
	t.field("named_snapshots", f.NamedSnapshots)
	t.field("recovery", f.Recovery)
}

func infoStats(c *Call, t *infoText) {
	f, n := &t.figures, c.Clients.Figures()
	var errors int64
	for _, count := range f.Errors {
		errors += count
	}
	t.field("total_connections_received", n.Accepted)
	t.field("total_commands_processed", f.Commands)
	t.field("instantaneous_ops_per_sec", f.CommandsPerSecond)
	t.field("total_net_input_bytes", n.BytesIn)
	t.field("total_net_output_bytes", n.BytesOut)
	t.field("instantaneous_input_kbps", ratio(n.BytesInPerSecond, 1024))
	t.field("instantaneous_output_kbps", ratio(n.BytesOutPerSecond, 1024))
	t.field("rejected_connections", n.Rejected)
	t.field("sync_full", 0)
	t.field("sync_partial_ok", 0)
	t.field("sync_partial_err", 0)
	t.field("expired_keys", f.Expired)
	t.field("expired_subkeys", f.ExpiredSubkeys)
	t.field("active_defrag_hits", c.Keys.Moved)
	t.field("active_defrag_key_hits", c.Keys.Moved)
	t.field("evicted_keys", f.Evicted)
	t.field("evicted_clients", 0)
	t.field("keyspace_hits", f.Hits)
	t.field("keyspace_misses", f.Misses)
	t.field("pubsub_channels", c.PubSub.Topics(pubsub.Channel))
	t.field("pubsub_patterns", c.PubSub.Topics(pubsub.Pattern))
	t.field("pubsubshard_channels", c.PubSub.Topics(pubsub.Shard))
	t.field("latest_fork_usec", 0)
	t.field("total_forks", 0)
	t.field("tracking_total_keys", c.Tracking.Keys())
	t.field("tracking_total_items", c.Tracking.Items())
	t.field("tracking_total_prefixes", c.Tracking.Prefixes())
	t.field("total_error_replies", errors)
	t.field("total_reads_processed", n.Reads)
	t.field("total_writes_processed", n.Writes)
	denied := &c.Users.Log.Counts
	t.field("acl_access_denied_auth", denied[acl.DeniedAuth])
	t.field("acl_access_denied_cmd", denied[acl.DeniedCommand])
	t.field("acl_access_denied_key", denied[acl.DeniedKey])
	t.field("acl_access_denied_channel", denied[acl.DeniedChannel])
	t.field("client_query_buffer_limit_disconnections", n.QueryBufferLimitHits)
	t.field("client_output_buffer_limit_disconnections", n.OutputBufferLimitHits)
}

func infoReplication(_ *Call, t *infoText) {
	t.field("role", "master")
	t.field("connected_slaves", 0)
	t.field("master_failover_state", "no-failover")
	t.field("master_replid", t.figures.RunID)
	t.field("master_replid2", "0000000000000000000000000000000000000000")
	t.field("master_repl_offset", 0)
	t.field("second_repl_offset", -1)
	t.field("repl_backlog_active", 0)
	t.field("repl_backlog_size", 0)
	t.field("repl_backlog_first_byte_offset", 0)
	t.field("repl_backlog_histlen", 0)
}

func infoCPU(_ *Call, t *infoText) {
	t.field("used_cpu_sys", fmt.Sprintf("%.6f", t.figures.SystemCPU.Seconds()))
	t.field("used_cpu_user", fmt.Sprintf("%.6f", t.figures.UserCPU.Seconds()))
	t.field("used_cpu_sys_children", "0.000000")
	t.field("used_cpu_user_children", "0.000000")
	// Commands may run on any thread: there is no main one whose time would tell more.
	t.field("used_cpu_sys_main_thread", fmt.Sprintf("%.6f", t.figures.SystemCPU.Seconds()))
	t.field("used_cpu_user_main_thread", fmt.Sprintf("%.6f", t.figures.UserCPU.Seconds()))
}

func infoCommands(c *Call, t *infoText) {
	for _, cmd := range c.Table.All() {
		infoCommandStats(cmd, t)
		for _, sub := range cmd.Subs {
			infoCommandStats(sub, t)
		}
	}
}

func infoCommandStats(cmd *Command, t *infoText) {
	s := &cmd.Stats
	if *s == (Stats{}) {
		return
	}
	t.field("cmdstat_"+cmd.FullName(), fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%s,rejected_calls=%d,failed_calls=%d",
		s.Calls, s.Time.Microseconds(), ratio(s.Time.Microseconds(), s.Calls), s.Rejected, s.Failed))
}

// infoLatencies prints quantiles in microseconds.
func infoLatencies(c *Call, t *infoText) {
	percents := c.Config.Percentiles().Load()
	tell := func(cmd *Command) {
		l := cmd.Stats.Latency
		if l == nil {
			return
		}
		var text []string
		for _, p := range percents {
			us := float64(l.Quantile(p/100)) / 1000
			text = append(text, fmt.Sprintf("p%s=%.3f", strconv.FormatFloat(p, 'f', -1, 64), us))
		}
		t.field("latency_percentiles_usec_"+cmd.FullName(), strings.Join(text, ","))
	}
	for _, cmd := range c.Table.All() {
		tell(cmd)
		for _, sub := range cmd.Subs {
			tell(sub)
		}
	}
}

func infoErrors(_ *Call, t *infoText) {
	codes := make([]string, 0, len(t.figures.Errors))
	for code := range t.figures.Errors {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		t.field("errorstat_"+infoName(code), fmt.Sprintf("count=%d", t.figures.Errors[code]))
	}
}

// infoName is a word that somebody has made up as it can stand before the colon of a field.
func infoName(word string) string {
	return strings.NewReplacer(":", "_", "#", "_").Replace(word)
}

func infoKeyspace(c *Call, t *infoText) {
	for i := range c.Keys.Databases() {
		if db := c.Keys.DB(i); db.Len() > 0 {
			t.field(fmt.Sprintf("db%d", i), fmt.Sprintf("keys=%d,expires=%d,avg_ttl=%d", db.Len(), db.Deadlines(), c.averageTTL(db)))
		}
	}
}

// ttlSamples is how many keys averageTTL looks at: INFO must not take longer the more keys there are.
const ttlSamples = 32

// averageTTL estimates the milliseconds that the keys with a deadline have left, from some hot keys taken at random.
func (c *Call) averageTTL(db *kv.DB) int64 {
	if db.Deadlines() == 0 {
		return 0
	}
	var sum, n int64
	db.Sample(c.Rand, ttlSamples, func(e kv.Entry) {
		if e.Deadline() != expiry.None {
			sum += max(0, e.Deadline()-c.Now)
			n++
		}
	})
	return sum / max(n, 1)
}
