package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// store is the state and the files that it is kept in.
type store struct {
	dir   string
	wrong defects
	every int // records from one snapshot to the next

	mu       sync.Mutex // guards what follows, to the empty line
	changed  *sync.Cond // what follows has changed
	keys     keyspace
	pending  [][]byte // bodies that wait to be written
	appended uint64   // records so far, pending ones included
	answered uint64   // records that may be answered for
	wanted   bool     // a snapshot is
	due      bool     // a sync is, where nobody waits for one
	saved    int      // snapshots so far

	// The committer's alone, once it runs.
	file    *os.File
	number  int
	size    int64
	synced  int64
	records int // in this log
}

// open recovers what the directory holds.
func open(dir string, wrong defects, every int, now int64) (*store, error) {
	s := &store{dir: dir, wrong: wrong, every: every, keys: keyspace{}, number: 1}
	s.changed = sync.NewCond(&s.mu)
	if err := s.replay("snapshot", now); err != nil {
		return nil, err
	}
	if err := s.replay(s.logName(), now); err != nil {
		return nil, err
	}
	end := s.size
	if err := s.removeOthers(); err != nil {
		return nil, err
	}
	if wrong.forgetSecond && end > 0 {
		s.number++
		return s, s.begin()
	}
	if end == 0 {
		return s, s.begin()
	}
	var err error
	if s.file, err = os.OpenFile(filepath.Join(dir, s.logName()), os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	s.synced = end
	return s, errors.Join(s.file.Truncate(end), s.file.Truncate(max(end, roomBytes)), s.file.Sync())
}

// roomBytes is how long a log is from the beginning, so that most commits need not change its size.
const roomBytes = 128 << 10

func (s *store) logName() string { return "log." + strconv.Itoa(s.number) }

// replay applies the records of a file, and leaves their length in s.size.
func (s *store) replay(name string, now int64) error {
	s.size = 0
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	at := 0
	for at < len(data) {
		commands, _, size, err := parseRecord(data[at:], !s.wrong.noChecksum)
		if err != nil {
			break
		}
		for _, words := range commands {
			s.apply(words, now)
		}
		at += size
	}
	if bytes.ContainsFunc(data[at:], func(r rune) bool { return r != 0 }) { // zeros are room for more
		if name == "snapshot" || !s.wrong.noChecksum && damaged(data, at) {
			return fmt.Errorf("%s is damaged at %d; nothing was changed", name, at)
		}
		for s.wrong.waitForTorn {
			time.Sleep(time.Second)
		}
		fmt.Printf("%s: cut off an unfinished write at %d\n", name, at)
	}
	s.size = int64(at)
	return nil
}

// apply does what a record says.
func (s *store) apply(words []string, now int64) {
	if len(words) == 2 && words[0] == "LOG" {
		s.number, _ = strconv.Atoi(words[1])
		return
	}
	if command, known := table[words[0]]; known && command.takes(words) {
		call := &call{keys: s.keys, args: words, now: now, replays: true}
		command.do(call)
	}
}

// begin makes a log.
func (s *store) begin() error {
	file, err := os.OpenFile(filepath.Join(s.dir, s.logName()), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	s.file, s.size, s.synced, s.records = file, 0, 0, 0
	if err := file.Truncate(roomBytes); err != nil {
		return err
	}
	if err := s.write(appendBody(nil, [][]string{{"LOG", strconv.Itoa(s.number)}})); err != nil {
		return err
	}
	return errors.Join(s.sync(), s.syncDir())
}

func (s *store) write(body []byte) error {
	record := appendRecord(nil, body, s.synced)
	if _, err := s.file.WriteAt(record, s.size); err != nil {
		return err
	}
	s.size += int64(len(record))
	s.records++
	return nil
}

func (s *store) sync() error {
	err := s.file.Sync()
	if err == nil {
		s.synced = s.size
	}
	return err
}

func (s *store) syncDir() error {
	if s.wrong.noDirsync {
		return nil
	}
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// removeOthers removes what a crash left half-done.
func (s *store) removeOthers() error {
	entries, err := os.ReadDir(s.dir)
	for _, entry := range entries {
		name := entry.Name()
		if name == "snapshot.tmp" || strings.HasPrefix(name, "log.") && name != s.logName() {
			err = errors.Join(err, os.Remove(filepath.Join(s.dir, name)))
		}
	}
	return err
}

// commit writes and syncs what is pending, again and again, and writes snapshots.
func (s *store) commit() {
	if s.wrong.ackBeforeSync {
		go s.prod()
	}
	for {
		s.mu.Lock()
		for len(s.pending) == 0 && !s.wanted && !s.due {
			s.changed.Wait()
		}
		batch, upTo, save := s.pending, s.appended, s.wanted
		syncs := !s.wrong.ackBeforeSync || s.due
		s.pending, s.due = nil, false
		if !save {
			s.mu.Unlock() // commands go on meanwhile, and wait for the next
		}
		if err := s.commitBatch(batch, syncs); err != nil {
			fatal(err)
		}
		if !save {
			s.mu.Lock()
		} else if err := s.checkpoint(); err != nil {
			fatal(err)
		}
		s.answered = upTo
		s.wanted = s.wanted && !save || s.records >= s.every
		s.changed.Broadcast()
		s.mu.Unlock()
	}
}

// prod says from time to time that a sync is due.
func (s *store) prod() {
	for range time.Tick(100 * time.Millisecond) {
		s.mu.Lock()
		s.due = true
		s.changed.Broadcast()
		s.mu.Unlock()
	}
}

func (s *store) commitBatch(batch [][]byte, syncs bool) error {
	if s.wrong.reorderCommits {
		slices.Reverse(batch)
	}
	for _, body := range batch {
		if err := s.write(body); err != nil {
			return err
		}
	}
	if !syncs {
		return nil
	}
	return s.sync()
}

// checkpoint writes the state to a snapshot, and begins a log behind it. Called with s.mu held and nothing pending.
func (s *store) checkpoint() error {
	old, oldName := s.file, s.logName()
	s.number++
	if err := s.begin(); err != nil {
		return err
	}
	tmp := filepath.Join(s.dir, "snapshot.tmp")
	body := appendBody(nil, append([][]string{{"LOG", strconv.Itoa(s.number)}}, s.state()...))
	if err := writeSynced(tmp, appendRecord(nil, body, 0)); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(s.dir, "snapshot")); err != nil {
		return err
	}
	if err := s.syncDir(); err != nil {
		return err
	}
	s.saved++
	return errors.Join(old.Close(), os.Remove(filepath.Join(s.dir, oldName)))
}

func writeSynced(path string, data []byte) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

// state is the commands that make the state.
func (s *store) state() (commands [][]string) {
	now := time.Now().UnixMilli()
	for key, v := range s.keys {
		switch {
		case v.members != nil:
			commands = append(commands, saddOf(key, v))
		case v.scores != nil:
			commands = append(commands, zaddOf(key, v))
		case v.fields != nil:
			commands = append(commands, s.hashOf(key, v, now)...)
		case v.list == nil:
			commands = append(commands, []string{"SET", key, v.text})
		case s.wrong.flatLists:
			commands = append(commands, []string{"SET", key, strings.Join(v.list, " ")})
		default:
			commands = append(commands, append([]string{"RPUSH", key}, v.list...))
		}
		if v.deadline != 0 {
			commands = append(commands, s.expiry(key, v.deadline, now))
		}
	}
	return commands
}

// expiry is the command that gives a key its deadline.
func (s *store) expiry(key string, deadline, now int64) []string {
	if s.wrong.relativeTTL {
		return []string{"PEXPIRE", key, strconv.FormatInt(deadline-now, 10)}
	}
	return []string{"PEXPIREAT", key, strconv.FormatInt(deadline, 10)}
}
