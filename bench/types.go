package main

import (
	"fmt"
	"slices"
	"strconv"
)

// What the group types works on, beside what redis-benchmark does.
const (
	typesPipeline = 16

	listLong    = 1000   // elements of the list that LRANGE reads of
	hashFields  = 10     // of the hash that HGETALL reads
	rankMembers = 10_000 // of the sorted set that ZRANGEBYSCORE reads a hundred of
	streamLong  = 1000   // entries of the stream that XRANGE reads a hundred of
	meeting     = 10_000 // members of each of the sets that SINTER meets, of which half are in both

	slowProbe = 500 // requests of the first probe of what takes long
)

// typeWorkloads are those of redis-benchmark's list that the group commands has not, and some more. What takes something
// away has as many requests, or twice as many, beside it that put something there.
func typeWorkloads() []Workload {
	mix := func(row, name string, before ...[]string) Workload {
		return Workload{Name: row, Load: Requests{Name: name}, Before: before}
	}
	send := func(before [][]string, row string, words ...string) Workload {
		return Workload{Name: row, Load: Requests{Send: words}, Before: before}
	}
	list := [][]string{{"DEL", "mylist"}, append([]string{"RPUSH", "mylist"}, slices.Repeat([]string{"xxx"}, listLong)...)}
	all := []Workload{
		mix("PING_INLINE", "ping_inline"),
		mix("PING_MBULK", "ping"),
		mix("RPUSH", "rpush", []string{"DEL", "mylist"}),
		mix("LPOP", "rpush=1,lpop=1", list...),
		mix("RPOP", "lpush=1,rpop=1", list...),
		mix("SADD", "sadd", []string{"DEL", "myset"}),
		mix("HSET", "hset", []string{"DEL", "myhash"}),
		mix("SPOP", "sadd=2,spop=1", []string{"DEL", "myset"}),
		mix("ZADD", "zadd", []string{"DEL", "myzset"}),
		mix("ZPOPMIN", "zadd=2,zpopmin=1", []string{"DEL", "myzset"}),
		mix("MSET", "mset"),
	}
	for _, n := range []int{300, 500, 600} {
		all = append(all, send(list, fmt.Sprintf("LRANGE_%d", n), "LRANGE", "mylist", "0", strconv.Itoa(n-1)))
	}
	sinter := send([][]string{{"DEL", "left", "right"}, meet("left", 0), meet("right", meeting/2)}, "SINTER", "SINTER", "left", "right")
	sinter.Probe = slowProbe
	return append(all,
		send([][]string{{"DEL", "mystream"}}, "XADD", "XADD", "mystream", "*", "field", "{value}"),
		send(streamOf(), "XRANGE", "XRANGE", "mystream", "-", "+", "COUNT", "100"),
		send(rankingOf(), "ZRANGEBYSCORE", "ZRANGEBYSCORE", "myranking", "5000", "5099"),
		send(hashOf(), "HGETALL", "HGETALL", "record"),
		sinter,
	)
}

// meet fills one of two sets.
func meet(set string, from int) []string {
	words := []string{"SADD", set}
	for i := range meeting {
		words = append(words, fmt.Sprintf("member:%06d", from+i))
	}
	return words
}

func streamOf() [][]string {
	commands := [][]string{{"DEL", "mystream"}}
	for i := range streamLong {
		commands = append(commands, []string{"XADD", "mystream", fmt.Sprintf("%d-0", i+1), "field", "xxx"})
	}
	return commands
}

func rankingOf() [][]string {
	words := []string{"ZADD", "myranking"}
	for i := range rankMembers {
		words = append(words, strconv.Itoa(i), fmt.Sprintf("member:%06d", i))
	}
	return [][]string{{"DEL", "myranking"}, words}
}

func hashOf() [][]string {
	words := []string{"HSET", "record"}
	for i := range hashFields {
		words = append(words, fmt.Sprintf("field%d", i), fmt.Sprintf("value%d", i))
	}
	return [][]string{{"DEL", "record"}, words}
}

func typeRows(l Load) []Row {
	var rows []Row
	for _, w := range typeWorkloads() {
		rows = append(rows, Row{Workload: w, Pipeline: typesPipeline, Policy: "everysec", Load: l})
	}
	return rows
}

// fewTypes are the rows of the group that -quick keeps.
func fewTypes() []string { return []string{"PING_INLINE", "SPOP", "XADD", "SINTER"} }
