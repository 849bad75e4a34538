package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// What a process holds of the machine's memory, from proc(5). RssAnon is its own; RssFile is files that are mapped,
// which the kernel keeps in its page cache anyway and drops when it needs the room. After a fork two processes share
// their pages until one of them writes; the proportional sizes (Pss) of both then add up to what they hold together.

const kilobyte = 1024

// Resident is RssAnon and RssFile in bytes.
func Resident(pid int) (anon, file int64, err error) {
	text, err := read(pid, "status")
	if err != nil {
		return 0, 0, err
	}
	anon, err = sizeIn(text, "RssAnon")
	if err != nil {
		return 0, 0, err
	}
	file, err = sizeIn(text, "RssFile")
	return anon, file, err
}

// OwnMemory is RssAnon in bytes: what a process that never forks holds. It is cheap to ask for: the kernel prints some numbers, where
// for Resident it looks a whole page of text together.
func OwnMemory(pid int) (int64, error) {
	text, err := read(pid, "statm")
	if err != nil {
		return 0, err
	}
	return anonymousIn(text)
}

// anonymousIn is what statm says in pages, in bytes: resident, its second number, without shared, its third.
func anonymousIn(text string) (int64, error) {
	var pages [3]int64
	words := strings.Fields(text)
	for i := range pages {
		if i >= len(words) {
			return 0, fmt.Errorf("too few numbers in %q", text)
		}
		n, err := strconv.ParseInt(words[i], 10, 40)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("number %d of %q", i+1, text)
		}
		pages[i] = n
	}
	resident, shared := pages[1], pages[2]
	return max(0, resident-shared) * int64(os.Getpagesize()), nil
}

// FamilyMemory is what a process and its children hold together, in bytes. The kernel walks all their pages for it.
func FamilyMemory(pid int) (int64, error) {
	sum, err := proportional(pid)
	if err != nil {
		return 0, err
	}
	text, err := read(pid, fmt.Sprintf("task/%d/children", pid))
	if err != nil {
		return 0, err
	}
	for _, word := range strings.Fields(text) {
		child, err := strconv.Atoi(word)
		if err != nil {
			return 0, fmt.Errorf("children of %d: %q", pid, text)
		}
		bytes, err := proportional(child)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) || errors.Is(err, errNoField) {
			continue // it has just ended
		}
		if err != nil {
			return 0, err
		}
		sum += bytes
	}
	return sum, nil
}

func proportional(pid int) (int64, error) {
	text, err := read(pid, "smaps_rollup")
	if err != nil {
		return 0, err
	}
	return sizeIn(text, "Pss_Anon")
}

// errNoField: a file of /proc lacks a line that the kernel writes for every process that has memory.
var errNoField = errors.New("no such field")

// sizeIn finds a line "Name:   123 kB" and returns the size in bytes.
func sizeIn(text, name string) (int64, error) {
	for line := range strings.Lines(text) {
		value, found := strings.CutPrefix(line, name+":")
		if !found {
			continue
		}
		digits, found := strings.CutSuffix(strings.TrimSpace(value), " kB")
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 50)
		if !found || err != nil || n < 0 {
			return 0, fmt.Errorf("%s is %q", name, value)
		}
		return n * kilobyte, nil
	}
	return 0, fmt.Errorf("%w: %s", errNoField, name)
}
