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
	Send  []string // the words of one request, in its place
}

// workload is what our generator sends.
func (r Requests) workload() (load.Workload, error) {
	if r.Send != nil {
		return load.Custom(r.Send)
	}
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

	Probe int // requests of the first probe; 0: as many as usual
}

// A Row is one line of the report.
type Row struct {
	Workload Workload
	Pipeline int    // requests a client sends before it waits for replies
	Policy   string // of fsync: one of policyNames
	Load     Load   // what sends the requests, from how many connections, to which keys
	Variant  string // what else tells it from the others of its group: "500 connections"; "" for nothing
}

// Name is the row as tables, charts, errors and progress name it, such as "always SET/16" or "everysec GET/1, zipf".
func (r Row) Name() string {
	name := r.Policy + " " + r.Workload.Name + "/" + strconv.Itoa(r.Pipeline)
	if r.Variant != "" {
		name += ", " + r.Variant
	}
	return name
}

// paced says whether requests come at a rate that we chose, so that their number says nothing of the server.
func (r Row) paced() bool { return r.Load.Rate > 0 || r.Load.Share > 0 }

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
	all = append(all, Workload{Name: "GET+SET", Load: Requests{Name: "get=1,set=1"}, Fill: &set})
	for _, name := range load.YCSBNames() {
		all = append(all, Workload{Name: strings.ToUpper(name), Load: Requests{Name: name}, Fill: &set})
	}
	return all
}

// workload finds one by its name.
func workload(name string) Workload {
	all := workloads()
	i := slices.IndexFunc(all, func(w Workload) bool { return w.Name == name })
	if i < 0 {
		panic("BUG: there is no workload " + name)
	}
	return all[i]
}
