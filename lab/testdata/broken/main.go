// Command broken is a small server for trying out the crash lab. As it comes it keeps what it acknowledges; each flag
// makes it wrong in one way, as real servers have been:
//
//	--ack-before-sync            replies when a record is written, and syncs ten times a second
//	--read-before-sync           writes wait for the disk, reads do not: they show what a crash takes back
//	--no-dirsync                 renames the snapshot and removes the old log without syncing the directory
//	--no-checksum                takes a record for whole by its length alone
//	--torn-transactions          writes a record for each command of a transaction
//	--reorder-commits            writes what was waiting for a commit newest first
//	--relative-ttl               keeps deadlines as the time that is left
//	--flat-lists                 keeps lists in snapshots as strings
//	--forget-after-second-start  after a recovery it writes where only the first start afterwards would look
//	--wait-for-torn-record       waits, at the start, for the rest of a torn record
//
// Its files:
//
//	snapshot   the state at the beginning of a log; records
//	log.N      what came after; records, the first of which names N, and zeros behind them
//	record :=  length uint32 | CRC-32C uint32 | durable uint64 | body        little endian; the CRC is of all behind it
//	body   :=  commands, each as counted words
//
// durable is how much of the file was known to be synced when the record was written. So a bad record that a later one
// calls durable is damage, and the server does not start; any other is a write that a crash cut off.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// defects are what is wrong with the server.
type defects struct {
	ackBeforeSync, readBeforeSync, noDirsync, noChecksum, tornTransactions, reorderCommits, relativeTTL, flatLists,
	forgetSecond, waitForTorn, timelessFields bool
}

func main() {
	var d defects
	port := flag.Int("port", 6379, "listen on this port of 127.0.0.1")
	dir := flag.String("dir", ".", "keep the data in this directory")
	every := flag.Int("checkpoint-every", 300, "write a snapshot after so many records")
	for name, defect := range map[string]*bool{
		"ack-before-sync": &d.ackBeforeSync, "read-before-sync": &d.readBeforeSync, "no-dirsync": &d.noDirsync,
		"no-checksum": &d.noChecksum, "torn-transactions": &d.tornTransactions, "reorder-commits": &d.reorderCommits,
		"relative-ttl": &d.relativeTTL, "flat-lists": &d.flatLists, "forget-after-second-start": &d.forgetSecond,
		"wait-for-torn-record": &d.waitForTorn, "timeless-fields": &d.timelessFields,
	} {
		flag.BoolVar(defect, name, false, "be wrong in this way")
	}
	flag.Parse()
	if err := serve(*dir, *port, *every, d); err != nil {
		fatal(err)
	}
}

func serve(dir string, port, every int, d defects) error {
	s, err := open(dir, d, every, time.Now().UnixMilli())
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	fmt.Printf("ready on %v with %d keys\n", listener.Addr(), len(s.keys))
	go s.commit()
	go s.endOnSignal()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go s.talk(conn)
	}
}

// endOnSignal ends the process in order: what is pending is synced first.
func (s *store) endOnSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	<-signals
	s.save(true)
	os.Exit(0)
}

// fatal ends the process: what is in memory may be ahead of what is on disk.
func fatal(err error) {
	fmt.Fprintln(os.Stderr, "broken: "+err.Error())
	os.Exit(1)
}
