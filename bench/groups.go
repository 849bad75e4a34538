package main

import (
	"fmt"
	"slices"
	"strings"

	"holdfast/load"
)

// A Group is a small part of what could be measured: one thing varies and the rest stays as it is.
type Group struct {
	Name  string
	About string // a sentence for the report
	Rows  []Row
}

const (
	defaultGroups = "commands,connections,rate,writers" // about 20 minutes with two servers, the whole about 30
	allGroups     = "all"

	share        = 0.7      // of what the slowest server takes, in the group rate
	besideRate   = 2000     // GETs a second beside writers
	valuesKept   = 64 << 20 // bytes of all values together, of those that are large
	plainClients = 50
	plainBytes   = 3
)

// groups lists everything. base is what the command line says; connections, pipelines, values and keys of it are those
// of the first group alone.
func groups(base Load, pipelines []int) []Group {
	plain := base
	plain.Clients, plain.ValueBytes, plain.Keyspace = plainClients, plainBytes, load.Uniform
	return []Group{
		{Name: "commands", About: fmt.Sprintf("%d connections, values of %d bytes, %s keys.", base.Clients, base.ValueBytes, base.Keyspace),
			Rows: commandRows(base, pipelines)},
		{Name: "connections", About: "Connections vary. The CPU time of connecting is part of CPU µs.", Rows: connectionRows(plain)},
		{Name: "values", About: "Sizes of values vary; large ones are of fewer keys, 64 MiB in all.", Rows: valueRows(plain)},
		{Name: "keys", About: "Every key as often as any other, or some much more often (Zipf, 0.99).", Rows: keyRows(plain)},
		{Name: "pipeline", About: "128 requests at a time on each of 50 connections.", Rows: deepRows(plain)},
		{Name: "loops", About: "Event loops of holdfast vary (--loops); the generator has a thread for each. Below: the share of the time that " +
			"commands ran, which they do one at a time.", Rows: loopRows(plain)},
		{Name: "types", About: "16 requests at a time on each of 50 connections: what there is of redis-benchmark's list beside the commands above, and " +
			"XADD, XRANGE (100 entries), ZRANGEBYSCORE (100 of 10,000), HGETALL (10 fields), SINTER (two sets of 10,000). LPOP, RPOP, SPOP and ZPOPMIN come " +
			"with requests that put something there, which are counted too.", Rows: typeRows(plain)},
		{Name: "scripts", About: "A script of five commands, by its SHA-1, one and 16 at a time on each of 50 connections.", Rows: scriptRows(plain)},
		{Name: "ycsb", About: "YCSB's core workloads, values of 100 bytes. What is counted are operations; one of F may be two requests.", Rows: ycsbRows(plain)},
		{Name: "rate", About: "Requests are due at 70 % of what the slowest server takes when they come as fast as replies (open loop); " +
			"latency counts from when a request was due.", Rows: rateRows(plain)},
		{Name: "writers", About: "GETs on 50 connections while 50 others send SETs as fast as replies come; rps and latency are those of the GETs, " +
			"CPU, reads and writes are per request of either kind.", Rows: writerRows(plain)},
		{Name: "pubsub", About: "PUBLISH from 10 connections to 100 subscribers, who must get every message.", Rows: publishRows(plain)},
		{Name: "features", About: "16 requests at a time on each of 50 connections, to a server that does something beside: checks a user's rules, tells " +
			"events, tells a client of keys that change, or shows all requests to one who monitors.", Rows: featureRows(plain)},
		{Name: "tls", About: "By TLS, from redis-benchmark, with one certificate (ECDSA, P-256) on all servers.", Rows: secureRows(plain)},
	}
}

// groupNames lists the names of all groups.
func groupNames() []string {
	var names []string
	for _, g := range groups(Load{}, nil) {
		names = append(names, g.Name)
	}
	return names
}

// chooseGroups keeps those that the list names.
func chooseGroups(all []Group, list []string) ([]Group, error) {
	if slices.Contains(list, allGroups) {
		return all, nil
	}
	for _, name := range list {
		if !slices.Contains(groupNames(), name) {
			return nil, fmt.Errorf("-groups: %q is none of %s, %s", name, strings.Join(groupNames(), ", "), allGroups)
		}
	}
	return slices.DeleteFunc(all, func(g Group) bool { return !slices.Contains(list, g.Name) }), nil
}

// commandRows are all workloads under all policies. YCSB's and mixes are measured where -rows names them.
func commandRows(l Load, pipelines []int) []Row {
	var rows []Row
	for _, policy := range policyNames {
		for _, w := range workloads() {
			for _, p := range pipelines {
				rows = append(rows, Row{Workload: w, Pipeline: p, Policy: policy, Load: l})
			}
		}
	}
	return rows
}

// usual is a row as most groups have them.
func usual(name string, l Load, variant string) Row {
	return Row{Workload: workload(name), Pipeline: 1, Policy: "everysec", Load: l, Variant: variant}
}

func connectionRows(l Load) []Row {
	var rows []Row
	for _, n := range []int{1, 50, 500, 5000} {
		l.Clients = n
		variant := "1 connection"
		if n > 1 {
			variant = fmt.Sprintf("%d connections", n)
		}
		for _, name := range []string{"GET", "SET"} {
			rows = append(rows, usual(name, l, variant))
		}
	}
	l.Clients = 1
	alone := usual("SET", l, "1 connection")
	alone.Policy = "always"
	return append(rows, alone)
}

func valueRows(l Load) []Row {
	var rows []Row
	keys := l.Keys
	for _, size := range []struct {
		name  string
		bytes int
	}{{"16 B", 16}, {"1 KB", 1 << 10}, {"64 KB", 64 << 10}, {"1 MB", 1 << 20}} {
		l.ValueBytes, l.Keys = size.bytes, min(keys, valuesKept/size.bytes)
		for _, name := range []string{"GET", "SET"} {
			rows = append(rows, usual(name, l, size.name))
		}
	}
	return rows
}

func keyRows(l Load) []Row {
	var rows []Row
	for _, d := range []load.Distribution{load.Uniform, load.Zipfian} {
		l.Keyspace = d
		for _, name := range []string{"GET", "SET"} {
			rows = append(rows, usual(name, l, string(d)))
		}
	}
	return rows
}

func deepRows(l Load) []Row {
	var rows []Row
	for _, name := range []string{"GET", "SET", "INCR", "LPUSH"} {
		row := usual(name, l, "")
		row.Pipeline = 128
		rows = append(rows, row)
	}
	return rows
}

func ycsbRows(l Load) []Row {
	l.ValueBytes = 100
	var rows []Row
	for _, name := range load.YCSBNames() {
		rows = append(rows, usual(strings.ToUpper(name), l, ""))
	}
	return rows
}

func rateRows(l Load) []Row {
	l.Share = share
	var rows []Row
	for _, name := range []string{"GET", "SET", "GET+SET"} {
		rows = append(rows, usual(name, l, "fixed rate"))
	}
	return rows
}

func writerRows(l Load) []Row {
	l.Writers = 50
	full := usual("GET", l, "50 writers")
	l.Rate = besideRate
	paced := usual("GET", l, fmt.Sprintf("50 writers, %d/s", besideRate))
	full.Policy, paced.Policy = "always", "always"
	return []Row{full, paced}
}

func publishRows(l Load) []Row {
	l.Clients, l.Subscribers = 10, 100
	var rows []Row
	for _, pipeline := range []int{1, 16} {
		rows = append(rows, Row{Workload: publish(), Pipeline: pipeline, Policy: "everysec", Load: l})
	}
	return rows
}
