package main

import (
	"slices"
	"strconv"
	"strings"

	"holdfast/load"
)

// Requests say what is sent, to either generator.
type Requests struct {
	Words []string // redis-benchmark's, after its other options; nil: it cannot send them
	Name  string   // of a mix or of a YCSB workload: what our generator is told
}

// workload is what our generator sends.
func (r Requests) workload() (load.Workload, error) {
	if slices.Contains(load.YCSBNames(), r.Name) {
		return load.YCSB(r.Name)
	}
	return load.Mix(r.Name)
}

// A Workload is what one row measures.
type Workload struct {
	Name string
	Load Requests

	// Fill is sent once to each new server, so that a GET finds something and a SET overwrites: over the whole key space.
	// nil: nothing.
	Fill *Requests

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

// rangeListLen is the length of the list that LRANGE_100 reads the first 100 elements of.
const rangeListLen = 1000

// workloads lists what is measured. LRANGE_100 is spelled out: redis-benchmark's own test of that name begins with
// as many LPUSHes as it has LRANGEs, whose CPU time could not be told apart.
func workloads() []Workload {
	const list = "mylist" // the key that redis-benchmark pushes to
	elements := slices.Repeat([]string{"xxx"}, rangeListLen)
	set := Requests{Words: []string{"-t", "set"}, Name: "set"}
	incr := Requests{Words: []string{"-t", "incr"}, Name: "incr"}
	all := []Workload{
		{Name: "SET", Load: set, Fill: &set},
		{Name: "GET", Load: Requests{Words: []string{"-t", "get"}, Name: "get"}, Fill: &set},
		{Name: "INCR", Load: incr, Fill: &incr},
		{Name: "LPUSH", Load: Requests{Words: []string{"-t", "lpush"}, Name: "lpush"}, Before: [][]string{{"DEL", list}}},
		{
			Name:   "LRANGE_100",
			Load:   Requests{Words: []string{"LRANGE", list, "0", "99"}, Name: "lrange"},
			Before: [][]string{{"DEL", list}, append([]string{"RPUSH", list}, elements...)},
		},
	}
	for _, name := range load.YCSBNames() {
		all = append(all, Workload{Name: strings.ToUpper(name), Load: Requests{Name: name}, Fill: &set})
	}
	return all
}

// allRows lists every row at these pipeline depths, in the order of the table.
func allRows(pipelines []int) []Row {
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
