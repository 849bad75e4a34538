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

// A collecting is memory by another measure: as many elements as the trial has keys, in one collection or in many small ones.
// Servers of their own hold them, and what they hold is compared once they are quiet, the empty process included.
type collecting struct {
	name string
	add  func(dst []byte, i uint64) []byte
}

func collectings() []collecting {
	return []collecting{
		{"small hashes of 5 fields", appendHash},
		{"members of a sorted set", func(dst []byte, i uint64) []byte {
			return appendRequest(dst, "ZADD", "ranking", strconv.FormatUint(mix(i)%1e7, 10), elementName("member", i))
		}},
		{"members of a set", func(dst []byte, i uint64) []byte {
			return appendRequest(dst, "SADD", "members", elementName("member", i))
		}},
		{"entries of a stream", func(dst []byte, i uint64) []byte {
			reading := strconv.FormatFloat(float64(mix(i)%100_000)/1000, 'f', 3, 64)
			return appendRequest(dst, "XADD", "readings", "*", "sensor", elementName("sensor", mix(i)%1000), "reading", reading)
		}},
		{"elements of a list", func(dst []byte, i uint64) []byte {
			return appendRequest(dst, "RPUSH", "jobs", elementName("job", i))
		}},
	}
}

// elementName is a short name, all of a kind of one length.
func elementName(kind string, i uint64) string { return fmt.Sprintf("%s:%012d", kind, i) }

// appendHash sets a hash as an application keeps a user's: names of fields short, values of 2 to 16 bytes.
func appendHash(dst []byte, i uint64) []byte {
	return appendRequest(dst, "HSET", elementName("user", i),
		"name", "n"+strconv.FormatUint(1e7+i, 10), "email", "u"+strconv.FormatUint(1e7+i, 10)+"@mail",
		"age", strconv.FormatUint(20+mix(i)%60, 10), "city", "city"+strconv.FormatUint(mix(i)%1000, 10),
		"visits", strconv.FormatUint(mix(i)%100_000, 10))
}

func appendRequest(dst []byte, words ...string) []byte {
	dst = fmt.Appendf(dst, "*%d\r\n", len(words))
	for _, word := range words {
		dst = fmt.Appendf(dst, "$%d\r\n%s\r\n", len(word), word)
	}
	return dst
}

// collections shows what each of them takes, by the element.
func (t *trial) collections(ctx context.Context) error {
	for k, kind := range collectings() {
		var anon sides
		for i, c := range []*contender{
			{program: holdfast(t.o.Holdfast), saving: savesChanges},
			{program: redisRDB(t.o.Redis), saving: savesAll},
		} {
			c.dir, c.memory = filepath.Join(t.dir, fmt.Sprintf("collection-%d-%d", k, i)), proc.OwnMemory
			bytes, err := t.collect(ctx, c, kind)
			if err != nil {
				return fmt.Errorf("%s: %w", kind.name, err)
			}
			anon.add(i, t.perKey(bytes))
		}
		t.emit(t.row(kind.name+": RssAnon, bytes each", 1, anon).besideRDB().within(collectionBound))
	}
	return nil
}

// collect fills a server, and returns what it holds at rest.
func (t *trial) collect(ctx context.Context, c *contender, kind collecting) (bytes int64, err error) {
	if err := c.create(ctx); err != nil {
		return 0, err
	}
	defer c.kill()
	all := bulk{n: t.keys, request: kind.add, reply: readAny}
	if err := errors.Join(c.send(ctx, all), c.rest(ctx)); err != nil {
		return 0, err
	}
	bytes, _, err = proc.Resident(c.process.PID())
	t.say("%s: %s: %d MB", kind.name, c.name(), bytes>>20)
	return bytes, err
}

// readAny reads a reply that is no error.
func readAny(r *bufio.Reader, _ uint64) error {
	_, err := rig.ReadReply(r)
	return err
}
