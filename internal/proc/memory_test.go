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

func TestAnonymousIn(t *testing.T) {
	page := int64(os.Getpagesize())
	for text, want := range map[string]int64{"900 50 20 5 0 30 0\n": 30 * page, "900 50 60": 0} {
		if got, err := anonymousIn(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "900 50", "900 x 20", "900 50 -20", "900 99999999999999999999 20"} {
		if got, err := anonymousIn(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}

// The kernel's own files have the fields, with sizes that a Go program has.
func TestMemoryOfThisProcess(t *testing.T) {
	const least, most = 256 << 10, 1 << 40
	anon, file, err := Resident(os.Getpid())
	if err != nil || anon < least || anon > most || file < least || file > most {
		t.Errorf("resident: %d, %d, %v", anon, file, err)
	}
	const apart = 4 << 20 // what is allocated meanwhile, and what the kernel rounds
	if own, err := OwnMemory(os.Getpid()); err != nil || own < anon-apart || own > anon+apart {
		t.Errorf("its own: %d, of which Resident says %d: %v", own, anon, err)
	}
	if family, err := FamilyMemory(os.Getpid()); err != nil || family < least || family > most {
		t.Errorf("with its children: %d, %v", family, err)
	}
	if _, err := OwnMemory(1 << 30); err == nil {
		t.Error("a process that cannot exist has memory")
	}
}
