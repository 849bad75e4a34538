package proc

import (
	"errors"
	"os"
	"testing"
)

func TestSizeIn(t *testing.T) {
	const text = "Name:\tredis-server\nVmRSS:\t  1900 kB\nRssAnon:\t     156 kB\nThreads:\t5\nBad:\t x kB\nNeg: -1 kB\n"
	if got, err := sizeIn(text, "RssAnon"); err != nil || got != 156*1024 {
		t.Errorf("RssAnon: %d, %v", got, err)
	}
	if _, err := sizeIn(text, "Rss"); !errors.Is(err, errNoField) {
		t.Errorf("a field that is not there: %v", err)
	}
	for _, name := range []string{"Name", "Threads", "Bad", "Neg"} {
		if got, err := sizeIn(text, name); err == nil || errors.Is(err, errNoField) {
			t.Errorf("%s is no size: %d, %v", name, got, err)
		}
	}
}

func FuzzSizeIn(f *testing.F) {
	f.Add("RssAnon:\t     156 kB\n")
	f.Add("RssAnon: 99999999999999999999 kB")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := sizeIn(text, "RssAnon"); got < 0 || err != nil && got != 0 {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	})
}

// The kernel's own files have the fields, with sizes that a Go program has.
func TestMemoryOfThisProcess(t *testing.T) {
	const least, most = 256 << 10, 1 << 40
	anon, file, err := Resident(os.Getpid())
	if err != nil || anon < least || anon > most || file < least || file > most {
		t.Errorf("resident: %d, %d, %v", anon, file, err)
	}
	if family, err := FamilyMemory(os.Getpid()); err != nil || family < least || family > most {
		t.Errorf("with its children: %d, %v", family, err)
	}
	if _, err := OwnMemory(1 << 30); err == nil {
		t.Error("a process that cannot exist has memory")
	}
}
