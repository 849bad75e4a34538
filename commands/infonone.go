package commands

// infoNone are fields of Redis's INFO for what there is none of here: forks, replicas, threads for sockets,
// buffers that belong to nobody. Tools look some of them up, and take a missing field for a server that is too old.
func infoNone(section string) []struct{ name, value string } {
	type none = struct{ name, value string }
	switch section {
	case "server":
		return []none{
			{"redis_git_sha1", "00000000"}, {"redis_git_dirty", "0"}, {"redis_build_id", "0"}, {"monotonic_clock", "POSIX clock_gettime"},
			{"multiplexing_api", "epoll"}, {"atomicvar_api", "go"}, {"gcc_version", "0.0.0"}, {"process_supervised", "no"}, {"io_threads_active", "0"},
		}
	case "memory":
		return []none{
			{"used_memory_vm_functions", "0"}, {"used_memory_vm_total", "0"}, {"used_memory_vm_total_human", "0B"}, {"used_memory_functions", "0"},
			{"used_memory_vm_eval", "0"}, {"used_memory_scripts_eval", "0"}, {"used_memory_scripts", "0"}, {"used_memory_scripts_human", "0B"},
			{"rss_overhead_ratio", "1.00"}, {"rss_overhead_bytes", "0"}, {"mem_replication_backlog", "0"}, {"mem_total_replication_buffers", "0"},
			{"mem_clients_slaves", "0"}, {"mem_cluster_links", "0"}, {"lazyfreed_objects", "0"},
		}
	case "persistence":
		return []none{
			{"current_cow_peak", "0"}, {"current_cow_size", "0"}, {"current_cow_size_age", "0"}, {"current_fork_perc", "0.00"},
			{"current_save_keys_processed", "0"}, {"current_save_keys_total", "0"}, {"rdb_last_cow_size", "0"},
			{"aof_rewrites_consecutive_failures", "0"}, {"aof_last_cow_size", "0"}, {"module_fork_in_progress", "0"}, {"module_fork_last_cow_size", "0"},
		}
	case "stats":
		return []none{
			{"total_net_repl_input_bytes", "0"}, {"total_net_repl_output_bytes", "0"}, {"instantaneous_input_repl_kbps", "0.00"},
			{"instantaneous_output_repl_kbps", "0.00"}, {"expired_stale_perc", "0.00"}, {"expired_time_cap_reached_count", "0"},
			{"expire_cycle_cpu_milliseconds", "0"}, {"total_eviction_exceeded_time", "0"}, {"current_eviction_exceeded_time", "0"},
			{"migrate_cached_sockets", "0"}, {"slave_expires_tracked_keys", "0"}, {"active_defrag_misses", "0"},
			{"active_defrag_key_misses", "0"}, {"total_active_defrag_time", "0"}, {"current_active_defrag_time", "0"},
			{"unexpected_error_replies", "0"}, {"dump_payload_sanitizations", "0"}, {"io_threaded_reads_processed", "0"},
			{"io_threaded_writes_processed", "0"}, {"reply_buffer_shrinks", "0"}, {"reply_buffer_expands", "0"},
		}
	}
	return nil
}
