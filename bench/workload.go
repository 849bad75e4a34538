package main

import (
	"slices"
	"strconv"
)

// A Workload is one command to measure, in words of redis-benchmark and of the server.
type Workload struct {
	Name string
	Load []string // what redis-benchmark is told to send, after its other options

	// Fill is sent once to each new server, so that a GET finds something and a SET overwrites: like Load, over the
	// whole key space. nil: nothing.
	Fill []string

	// Before is sent before every run: commands that give each run the same start.
	Before [][]string
}

// A Row is one line of the table.
type Row struct {
	Workload Workload
	Pipeline int    // requests a client sends before it waits for replies
	Policy   string // of fsync: one of policyNames
}

// Name is the row as errors and progress name it, such as "always SET/16".
func (r Row) Name() string { return r.Policy + " " + r.Workload.Name + "/" + strconv.Itoa(r.Pipeline) }

// policyNames are the fsync policies, in the words that both servers use.
var policyNames = []string{"no", "everysec", "always"}

// pipelines are the depths at which each workload is measured.
var pipelines = []int{1, 16}

// rangeListLen is the length of the list that LRANGE_100 reads the first 100 elements of.
const rangeListLen = 1000

// workloads lists what is measured. LRANGE_100 is spelled out: redis-benchmark's own test of that name begins with
// as many LPUSHes as it has LRANGEs, whose CPU time could not be told apart.
func workloads() []Workload {
	const list = "mylist" // the key that redis-benchmark pushes to
	elements := slices.Repeat([]string{"xxx"}, rangeListLen)
	return []Workload{
		{Name: "SET", Load: []string{"-t", "set"}, Fill: []string{"-t", "set"}},
		{Name: "GET", Load: []string{"-t", "get"}, Fill: []string{"-t", "set"}},
		{Name: "INCR", Load: []string{"-t", "incr"}, Fill: []string{"-t", "incr"}},
		{Name: "LPUSH", Load: []string{"-t", "lpush"}, Before: [][]string{{"DEL", list}}},
		{
			Name:   "LRANGE_100",
			Load:   []string{"LRANGE", list, "0", "99"},
			Before: [][]string{{"DEL", list}, append([]string{"RPUSH", list}, elements...)},
		},
	}
}

// allRows lists every row in the order of the table.
func allRows() []Row {
	var rows []Row
	for _, policy := range policyNames {
		for _, w := range workloads() {
			for _, p := range pipelines {
				rows = append(rows, Row{Workload: w, Pipeline: p, Policy: policy})
			}
		}
	}
	return rows
}
