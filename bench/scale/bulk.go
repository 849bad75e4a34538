package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"sync"
)

const (
	bulkConns = 4
	bulkBatch = 256 // requests on the way on one connection: some 30 KB
)

// A bulk is many requests, sent as fast as the server takes them over a few pipelined connections. Request j of n goes
// over connection j modulo bulkConns, so the server sees them nearly in order.
type bulk struct {
	n       uint64
	request func(dst []byte, j uint64) []byte
	reply   func(r *bufio.Reader, j uint64) error
}

// load writes all n keys.
func load(n uint64) bulk {
	return bulk{
		n:       n,
		request: func(dst []byte, j uint64) []byte { return appendSet(dst, scattered(j, n), 0) },
		reply:   func(r *bufio.Reader, _ uint64) error { return readOK(r) },
	}
}

// updates overwrites so many random ones of n keys. Another seed, other keys and other values.
func updates(count, n, seed uint64) bulk {
	return bulk{
		n:       count,
		request: func(dst []byte, j uint64) []byte { return appendSet(dst, mix(mix(seed)+j)%n, mix(seed)+j+1) },
		reply:   func(r *bufio.Reader, _ uint64) error { return readOK(r) },
	}
}

// lookups asks for so many different ones of n keys and checks the replies.
func lookups(count, n uint64) bulk {
	return bulk{
		n:       count,
		request: func(dst []byte, j uint64) []byte { return appendGet(dst, scattered(j, n)) },
		reply:   func(r *bufio.Reader, j uint64) error { return readValue(r, scattered(j, n)) },
	}
}

// send returns when all replies are there.
func (b bulk) send(ctx context.Context, addr string) error {
	errs := make([]error, bulkConns)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			if err := b.sendShare(ctx, addr, uint64(i)); err != nil {
				errs[i] = fmt.Errorf("bulk connection %d: %w", i, because(ctx, err))
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// sendShare sends every request of one connection, batch by batch.
func (b bulk) sendShare(ctx context.Context, addr string, share uint64) error {
	c, err := dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.close()
	for first := share; first < b.n; first += bulkBatch * bulkConns {
		end := min(first+bulkBatch*bulkConns, b.n)
		c.out = c.out[:0]
		for j := first; j < end; j += bulkConns {
			c.out = b.request(c.out, j)
		}
		if _, err := c.net.Write(c.out); err != nil {
			return err
		}
		for j := first; j < end; j += bulkConns {
			if err := b.reply(c.in, j); err != nil {
				return err
			}
		}
	}
	return nil
}
