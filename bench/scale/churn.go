package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"holdfast/bench/rig"
	"holdfast/internal/proc"
)

// Memory under churn: what keys that come, change and go leave behind, in pages, tables and indexes. Two servers of their own are
// loaded with the keys of the trial; after each turn as many keys are there as before it.
const (
	churnTurns    = 3    // of each kind
	churnShort    = 200  // ms that one key in ten has in the churn of deadlines
	churnLong     = 1e11 // ms that others have, and as much again at most
	churnShortOne = 10
)

// churning is one kind of it: what one turn sends, one bulk after the other.
type churning struct {
	name string
	turn func(n, seed uint64) []bulk
}

func churnings() []churning {
	return []churning{
		{"overwrites", func(n, seed uint64) []bulk { return []bulk{updates(n, n, seed), resizes(n, seed), load(n)} }},
		{"deletes", func(n, seed uint64) []bulk { return []bulk{deletions(n, seed), load(n)} }},
		{"deadlines", func(n, seed uint64) []bulk { return []bulk{deadlines(n, seed), deadlines(n, seed+1), load(n)} }},
	}
}

// churn shows the most that a server held while its keys were churned, by what the keys are.
func (t *trial) churn(ctx context.Context) error {
	servers := []*contender{
		{program: holdfast(t.o.Holdfast), dir: filepath.Join(t.dir, "churned"), memory: proc.OwnMemory, saving: savesChanges},
		{program: redisRDB(t.o.Redis), dir: filepath.Join(t.dir, "churned-rdb"), memory: proc.OwnMemory, saving: savesAll},
	}
	kinds := churnings()
	most := make([]sides, len(kinds))
	for i, c := range servers {
		if err := t.churnOne(ctx, i, c, kinds, most); err != nil {
			return err
		}
	}
	for k, kind := range kinds {
		t.emit(t.row("most under "+kind.name+": RssAnon, bytes per key", 0, most[k]).besideRDB().within(churnBound))
	}
	return nil
}

func (t *trial) churnOne(ctx context.Context, i int, c *contender, kinds []churning, most []sides) error {
	if err := c.create(ctx); err != nil {
		return err
	}
	defer c.kill()
	if err := c.send(ctx, load(t.keys)); err != nil {
		return err
	}
	for k, kind := range kinds {
		if err := c.settle(ctx); err != nil {
			return err
		}
		memory := watch(func() (int64, error) { return proc.OwnMemory(c.process.PID()) })
		var err error
		for range churnTurns {
			t.bursts++
			for _, b := range kind.turn(t.keys, t.o.Seed+t.bursts) {
				if err == nil {
					err = c.send(ctx, b)
				}
			}
		}
		peak, watched := memory.peakBytes()
		if err = errors.Join(err, watched); err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
		most[k].add(i, t.perKey(peak))
		t.say("churn: %s: %.0f bytes a key under %s", c.name(), t.perKey(peak), kind.name)
	}
	return nil
}

// resizes overwrites every second key with a shorter value.
func resizes(n, seed uint64) bulk {
	return bulk{
		n: n / 2,
		request: func(dst []byte, j uint64) []byte {
			size := int(mix(seed+j) % valueBytes)
			dst = append(appendKey(append(dst, "*3\r\n$3\r\nSET\r\n$16\r\n"...), 2*j), "\r\n$"...)
			dst = append(strconv.AppendInt(dst, int64(size), 10), "\r\n"...)
			from := len(dst)
			return append(appendValue(dst, 2*j, 0)[:from+size], "\r\n"...)
		},
		reply: func(r *bufio.Reader, _ uint64) error { return readOK(r) },
	}
}

// deletions deletes three of four keys, which three depends on the seed.
func deletions(n, seed uint64) bulk {
	return bulk{
		n: n,
		request: func(dst []byte, j uint64) []byte {
			if (j+seed)%4 == 0 {
				return append(appendKey(append(dst, "*2\r\n$6\r\nEXISTS\r\n$16\r\n"...), scattered(j, n)), "\r\n"...)
			}
			return append(appendKey(append(dst, "*2\r\n$3\r\nDEL\r\n$16\r\n"...), scattered(j, n)), "\r\n"...)
		},
		reply: readNumber,
	}
}

// deadlines gives every key a deadline, most of them one that is far off, and some one at which they go.
func deadlines(n, seed uint64) bulk {
	return bulk{
		n: n,
		request: func(dst []byte, j uint64) []byte {
			after := int64(churnLong) + int64(mix(seed+j)%churnLong)
			if mix(j^seed)%churnShortOne == 0 {
				after = churnShort
			}
			digits := strconv.FormatInt(after, 10)
			dst = appendKey(append(dst, "*3\r\n$7\r\nPEXPIRE\r\n$16\r\n"...), scattered(j, n))
			return fmt.Appendf(dst, "\r\n$%d\r\n%s\r\n", len(digits), digits)
		},
		reply: readNumber,
	}
}

// readNumber reads the reply of a command that counts keys: one of them, or none.
func readNumber(r *bufio.Reader, _ uint64) error {
	reply, err := rig.ReadReply(r)
	if err == nil && (len(reply) != 1 || reply[0] != "0" && reply[0] != "1") {
		err = fmt.Errorf("%w: %q where a count of one key was to come", errWrong, reply)
	}
	return err
}
