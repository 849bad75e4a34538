package main

import (
	"crypto/sha1"
	"encoding/hex"
)

// limiter is a script of five commands, as rate limiters are: it counts, sets a deadline, and keeps a record beside.
const limiter = `local n = redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], 'last', n, 'limit', ARGV[2])
local limit = tonumber(redis.call('HGET', KEYS[2], 'limit'))
redis.call('ZADD', KEYS[3], n, 'seen')
if n > limit then return 0 end
return limit - n`

// scriptRows call it by its SHA-1, each time for another counter.
func scriptRows(l Load) []Row {
	sum := sha1.Sum([]byte(limiter))
	w := Workload{
		Name:   "EVALSHA of 5 commands",
		Load:   Requests{Send: []string{"EVALSHA", hex.EncodeToString(sum[:]), "3", "{key}", "limits", "ranking", "60000", "1000000000"}},
		Before: [][]string{{"SCRIPT", "LOAD", limiter}},
	}
	var rows []Row
	for _, pipeline := range []int{1, typesPipeline} {
		rows = append(rows, Row{Workload: w, Pipeline: pipeline, Policy: "everysec", Load: l})
	}
	return rows
}
