package disk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Each rule: what happened, and every directory that a crash at its end may leave. Pieces are of 4 bytes. Where want is
// the same for both readings it stands in both.
func TestWhatACrashMayLeave(t *testing.T) {
	for _, rule := range []struct {
		name, script    string
		strict, ordered []string
	}{{
		name:    "nothing happened",
		script:  "",
		strict:  []string{""},
		ordered: []string{""},
	}, {
		name:    "what came before the beginning is durable",
		script:  "mkdir d; create 1 d/a; write 1 0 old; symlink l d; begin",
		strict:  []string{"d/ d/a=old l>d"},
		ordered: []string{"d/ d/a=old l>d"},
	}, {
		name:    "a new file: its name, its bytes and its size are three things",
		script:  "create 1 a; write 1 0 abc",
		strict:  []string{"", "a=", "a=abc", "a=..."},
		ordered: []string{"", "a=", "a=abc"},
	}, {
		name:    "a sync of a file does not make its name durable, where there is no journal",
		script:  "create 1 a; write 1 0 abc; sync 1",
		strict:  []string{"", "a=abc"},
		ordered: []string{"a=abc"},
	}, {
		name:    "a durable name of a file that was never synced",
		script:  "create 1 a; write 1 0 abc; syncdir .",
		strict:  []string{"a=", "a=abc", "a=..."},
		ordered: []string{"a=abc"},
	}, {
		name:    "a sync does not cover what came after it began",
		script:  "create 1 a; syncdir .; write 1 0 abcd; write 1 4 ef; sync 1 3",
		strict:  []string{"a=abcd", "a=abcdef", "a=abcd.."},
		ordered: []string{"a=abcd", "a=abcdef"},
	}, {
		name:    "a sync of a directory does not either",
		script:  "create 1 a; create 2 b; syncdir . 1",
		strict:  []string{"a=", "a= b="},
		ordered: []string{"a=", "a= b="},
	}, {
		name:    "bytes written over others are lost in pieces, in any order",
		script:  "create 1 a; write 1 0 abcdefgh; begin; write 1 0 ABCDEFGH",
		strict:  []string{"a=abcdefgh", "a=ABCDefgh", "a=abcdEFGH", "a=ABCDEFGH"},
		ordered: []string{"a=abcdefgh", "a=ABCDefgh", "a=abcdEFGH", "a=ABCDEFGH"},
	}, {
		name:    "pieces end at multiples of their size in the file, not in the write",
		script:  "create 1 a; write 1 0 abcdefgh; begin; write 1 3 XYZ",
		strict:  []string{"a=abcdefgh", "a=abcXefgh", "a=abcdYZgh", "a=abcXYZgh"},
		ordered: []string{"a=abcdefgh", "a=abcXefgh", "a=abcdYZgh", "a=abcXYZgh"},
	}, {
		name:   "appending: in the journal only from its beginning on",
		script: "create 1 a; write 1 0 ab; begin; write 1 2 cdefgh",
		// lost: nothing; the size; "cd"; "efgh"; …
		strict:  []string{"a=ab", "a=abcd", "a=ab..efgh", "a=abcdefgh", "a=abcd....", "a=ab......"},
		ordered: []string{"a=ab", "a=abcd", "a=abcdefgh"},
	}, {
		name:    "a write partly over what is there",
		script:  "create 1 a; write 1 0 abcd; begin; write 1 2 XYZ",
		strict:  []string{"a=abcd", "a=abXY", "a=abXYZ", "a=abcdZ", "a=abXY.", "a=abcd."},
		ordered: []string{"a=abcd", "a=abXY", "a=abXYZ", "a=abcdZ"},
	}, {
		name:    "two writes to one place: what is lost of the second shows the first",
		script:  "create 1 a; write 1 0 abcd; begin; write 1 0 ABCD; write 1 0 1234",
		strict:  []string{"a=abcd", "a=ABCD", "a=1234"},
		ordered: []string{"a=abcd", "a=ABCD", "a=1234"},
	}, {
		name:    "a size that was lost comes back with a later write, and then what was kept can be seen",
		script:  "create 1 a; begin; write 1 0 abcd; write 1 4 efgh; sync 1 3; write 1 8 ijkl",
		strict:  []string{"a=abcd", "a=abcdefgh", "a=abcd....", "a=abcd....ijkl", "a=abcdefghijkl", "a=abcd........", "a=abcdefgh...."},
		ordered: []string{"a=abcd", "a=abcdefgh", "a=abcdefghijkl"},
	}, {
		name:    "preallocation by fallocate is a size",
		script:  "create 1 a; begin; allocate 1 0 0 6",
		strict:  []string{"a=", "a=......"},
		ordered: []string{"a=", "a=......"},
	}, {
		name:    "… and nothing if it keeps the size",
		script:  "create 1 a; begin; allocate 1 1 0 6",
		strict:  []string{"a="},
		ordered: []string{"a="},
	}, {
		name:    "preallocation by zeros is a size",
		script:  "create 1 a; begin; write 1 0 ......",
		strict:  []string{"a=", "a=......"},
		ordered: []string{"a=", "a=......"},
	}, {
		name:    "zeros over bytes are bytes, in pieces",
		script:  "create 1 a; write 1 2 abcd; begin; write 1 0 ........",
		strict:  []string{"a=..abcd", "a=....cd", "a=..ab..", "a=......", "a=..abcd..", "a=....cd..", "a=..ab....", "a=........"},
		ordered: []string{"a=..abcd", "a=....cd", "a=..ab..", "a=......", "a=..abcd..", "a=....cd..", "a=..ab....", "a=........"},
	}, {
		name:    "a hole that is punched: a journal does it as a whole",
		script:  "create 1 a; write 1 0 abcdefgh; begin; allocate 1 3 2 4",
		strict:  []string{"a=abcdefgh", "a=ab..efgh", "a=abcd..gh", "a=ab....gh"},
		ordered: []string{"a=abcdefgh", "a=ab....gh"},
	}, {
		name:    "a range made zero that reaches past the end",
		script:  "create 1 a; write 1 0 abc; begin; allocate 1 16 2 4",
		strict:  []string{"a=abc", "a=ab.", "a=abc...", "a=ab...."},
		ordered: []string{"a=abc", "a=ab.", "a=ab...."},
	}, {
		name:    "a file cut off",
		script:  "create 1 a; write 1 0 abcdef; begin; truncate 1 3",
		strict:  []string{"a=abcdef", "a=abc"},
		ordered: []string{"a=abcdef", "a=abc"},
	}, {
		name:   "cut off and written again: a journal has other blocks for it",
		script: "create 1 a; write 1 0 old; begin; truncate 1 0; write 1 0 new",
		// strict: the size alone can be kept, over either
		strict:  []string{"a=old", "a=", "a=new", "a=..."},
		ordered: []string{"a=old", "a=", "a=new"},
	}, {
		name:    "cut off, grown, and written over: without the cut that was not in the old blocks",
		script:  "create 1 a; write 1 0 old; begin; truncate 1 0; allocate 1 0 0 3; write 1 0 new",
		strict:  []string{"a=old", "a=", "a=...", "a=new"},
		ordered: []string{"a=old", "a=", "a=...", "a=new"},
	}, {
		name:    "a durable cut takes what was written before it, and was not durable",
		script:  "create 1 a; create 2 b; write 1 0 abcdefgh; begin; write 1 4 EFGH; truncate 1 6; truncate 1 8; sync 2",
		strict:  []string{"a=abcdefgh b=", "a=abcdEFGH b=", "a=abcdef b=", "a=abcdEF b=", "a=abcdef.. b=", "a=abcdEF.. b="},
		ordered: []string{"a=abcdef.. b=", "a=abcdEF.. b="},
	}, {
		name:    "a file grown by truncate",
		script:  "create 1 a; write 1 0 ab; begin; truncate 1 4",
		strict:  []string{"a=ab", "a=ab.."},
		ordered: []string{"a=ab", "a=ab.."},
	}, {
		name:    "the sync of another file makes the journal durable, but not what was written over",
		script:  "create 1 a; write 1 0 abcd; create 2 b; begin; write 1 0 ABCD; write 1 4 ef; sync 2",
		strict:  []string{"a=abcd b=", "a=ABCD b=", "a=ABCDef b=", "a=abcdef b=", "a=ABCD.. b=", "a=abcd.. b="},
		ordered: []string{"a=ABCDef b=", "a=abcdef b="},
	}, {
		name:    "renamed over another, nothing synced",
		script:  "create 1 a; write 1 0 old; begin; create 2 t; write 2 0 new; rename t a",
		strict:  []string{"a=old", "a=old t=", "a=old t=new", "a=old t=...", "a=", "a=new", "a=..."},
		ordered: []string{"a=old", "a=old t=", "a=old t=new", "a=new"},
	}, {
		name:    "renamed over another after a sync",
		script:  "create 1 a; write 1 0 old; begin; create 2 t; write 2 0 new; sync 2; rename t a",
		strict:  []string{"a=old", "a=old t=new", "a=new"},
		ordered: []string{"a=old t=new", "a=new"},
	}, {
		name:    "renamed over another and the directory synced",
		script:  "create 1 a; write 1 0 old; begin; create 2 t; write 2 0 new; sync 2; rename t a; syncdir .",
		strict:  []string{"a=new"},
		ordered: []string{"a=new"},
	}, {
		name:    "renamed into another directory: both names, or neither",
		script:  "mkdir d; create 1 a; write 1 0 x; begin; rename a d/b",
		strict:  []string{"a=x d/", "a=x d/ d/b:a", "d/", "d/ d/b=x"},
		ordered: []string{"a=x d/", "d/ d/b=x"},
	}, {
		name:    "… of which one directory is synced",
		script:  "mkdir d; create 1 a; write 1 0 x; begin; rename a d/b; syncdir d",
		strict:  []string{"a=x d/ d/b:a", "d/ d/b=x"},
		ordered: []string{"d/ d/b=x"},
	}, {
		name:    "names are lost in any order without a journal",
		script:  "create 1 a; create 2 b",
		strict:  []string{"", "a=", "b=", "a= b="},
		ordered: []string{"", "a=", "a= b="},
	}, {
		name:    "a name that is removed and made anew",
		script:  "create 1 a; write 1 0 old; begin; unlink a; create 2 a",
		strict:  []string{"a=old", "", "a="},
		ordered: []string{"a=old", "", "a="},
	}, {
		name:    "removed while open: what is written then is seen only if the removal is lost",
		script:  "create 1 a; write 1 0 ab; begin; unlink a; write 1 0 AB",
		strict:  []string{"a=ab", "a=AB", ""},
		ordered: []string{"a=ab", "a=AB", ""},
	}, {
		name:    "removed for good while open: nothing is at risk any more",
		script:  "create 1 a; write 1 0 ab; begin; write 1 0 AB; unlink a; syncdir .; write 1 0 CD",
		strict:  []string{""},
		ordered: []string{""},
	}, {
		name:    "a second name",
		script:  "create 1 a; write 1 0 x; begin; link a b; unlink a",
		strict:  []string{"a=x", "a=x b:a", "b=x", ""},
		ordered: []string{"a=x", "a=x b:a", "b=x"},
	}, {
		name:    "a symbolic link",
		script:  "begin; symlink l d/target",
		strict:  []string{"", "l>d/target"},
		ordered: []string{"", "l>d/target"},
	}, {
		name:    "in a directory that is not durable nothing is, though it was synced",
		script:  "mkdir d; create 1 d/a; write 1 0 x; sync 1 2; syncdir d",
		strict:  []string{"", "d/ d/a=", "d/ d/a=x", "d/ d/a=."},
		ordered: []string{"d/ d/a=x"},
	}, {
		name:    "a directory made, filled, and renamed",
		script:  "mkdir t; create 1 t/a; syncdir t; rename t d",
		strict:  []string{"", "t/ t/a=", "d/ d/a="},
		ordered: []string{"t/ t/a=", "d/ d/a="},
	}, {
		name:    "a directory renamed over an empty one",
		script:  "mkdir d; mkdir t; create 1 t/a; begin; rename t d",
		strict:  []string{"d/ t/ t/a=", "d/ d/a="},
		ordered: []string{"d/ t/ t/a=", "d/ d/a="},
	}, {
		name:    "a directory has one place, in whatever order its moves reach the disk",
		script:  "mkdir p; mkdir p/d; create 1 p/d/a; begin; rename p/d d; rename d e",
		strict:  []string{"p/ p/d/ p/d/a=", "d/ d/a= p/", "e/ e/a= p/"},
		ordered: []string{"p/ p/d/ p/d/a=", "d/ d/a= p/", "e/ e/a= p/"},
	}, {
		name:    "a directory never lies in itself",
		script:  "mkdir a; mkdir a/b; begin; rename a/b b; rename a b/a",
		strict:  []string{"a/ a/b/", "a/ b/", "b/ b/a/"},
		ordered: []string{"a/ a/b/", "a/ b/", "b/ b/a/"},
	}, {
		name:    "a durable move of a directory makes durable that it was made, and its moves before",
		script:  "mkdir a; mkdir b; begin; mkdir a/d; rename a/d a/e; rename a/e b/d; syncdir b",
		strict:  []string{"a/ b/ b/d/"},
		ordered: []string{"a/ b/ b/d/"},
	}, {
		name:    "a directory that was emptied and removed",
		script:  "mkdir d; create 1 d/a; begin; unlink d/a; rmdir d; syncdir .",
		strict:  []string{""},
		ordered: []string{""},
	}, {
		name:    "after a sync that failed a later one does not help",
		script:  "create 1 a; write 1 0 abcd; begin; write 1 0 ABCD; syncfailed 1; sync 1",
		strict:  []string{"a=abcd", "a=ABCD"},
		ordered: []string{"a=abcd", "a=ABCD"},
	}, {
		name:    "… but for the size",
		script:  "create 1 a; begin; write 1 0 abcd; syncfailed 1; sync 1",
		strict:  []string{"a=....", "a=abcd"},
		ordered: []string{"a=....", "a=abcd"},
	}, {
		name:    "… and what is written anew, whole or in part",
		script:  "create 1 a; write 1 0 abcdefgh; begin; write 1 0 ABCDEFGH; syncfailed 1; write 1 0 1234; write 1 5 6; sync 1",
		strict:  []string{"a=1234e6gh", "a=1234E6GH"},
		ordered: []string{"a=1234e6gh", "a=1234E6GH"},
	}, {
		name:    "… or was written after it failed",
		script:  "create 1 a; write 1 0 abcdefgh; begin; write 1 0 ABCD; syncfailed 1; write 1 4 EFGH; sync 1",
		strict:  []string{"a=abcdEFGH", "a=ABCDEFGH"},
		ordered: []string{"a=abcdEFGH", "a=ABCDEFGH"},
	}, {
		name:    "… or cut off",
		script:  "create 1 a; write 1 0 ab; begin; write 1 2 cdef; syncfailed 1; truncate 1 3; truncate 1 5; sync 1",
		strict:  []string{"a=ab...", "a=abc.."},
		ordered: []string{"a=ab...", "a=abc.."},
	}, {
		name:    "a file made without a name, synced, and then linked",
		script:  "create 1 .; write 1 0 abc; sync 1; link . a",
		strict:  []string{"", "a=abc"},
		ordered: []string{"", "a=abc"},
	}, {
		name:    "… or not synced",
		script:  "create 1 .; write 1 0 abc; link . a",
		strict:  []string{"", "a=", "a=abc", "a=..."},
		ordered: []string{"", "a=abc"},
	}} {
		t.Run(rule.name, func(t *testing.T) {
			for reading, want := range map[Reading][]string{Strict: rule.strict, Ordered: rule.ordered} {
				r, events := script(t, rule.script)
				for i := range events { // a nameless file is linked by its number
					if events[i].Path == "" && events[i].To != "" {
						events[i].File = 1
					}
				}
				c := model(t, r, events, reading).Crash(4)
				all := states(t, c)
				for state, choices := range all {
					if made := built(t, c, choices[0]); made != state {
						t.Errorf("losing %s should leave %q, but %q was built", choices[0], state, made)
					}
				}
				got := keys(all)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("%s, after %s:\n%swant\n%s", reading, rule.script, lines(got), lines(want))
				}
			}
		})
	}
}

// Normalise says what is lost along with what was chosen.
func TestNormalise(t *testing.T) {
	for _, row := range []struct {
		script                string
		reading               Reading
		lost, normal, allowed string
	}{
		{"mkdir d; create 1 d/a; mkdir d/e; create 2 d/e/b; create 3 c", Strict, "0", "0-3", "of a directory that is not there"},
		{"mkdir d; create 1 d/a; rename d e", Strict, "0", "0", "it has a name by its move"},
		{"mkdir d; create 1 d/a; rename d e", Strict, "0,2", "all", "of a directory that is not there"},
		{"mkdir a; mkdir a/b; begin; rename a/b b; rename a b/a", Strict, "0", "all", "into itself"},
		{"mkdir d; create 1 d/a; create 2 c", Ordered, "1", "1-2", "the journal ends"},
		{"create 1 a; write 1 0 abcdefgh; create 2 b; begin; write 1 0 AB; create 3 c; write 1 4 EF", Ordered, "1", "1", "data is not in the journal"},
		{"create 1 a; write 1 0 abcdefgh; begin; truncate 1 4; truncate 1 8; write 1 0 AB; write 1 4 EF", Ordered, "0", "0-1,3", "it went to other blocks"},
		{"create 1 a; write 1 0 abcdefgh; begin; allocate 1 3 4 4; write 1 0 AB; write 1 4 EF", Ordered, "0", "0,2", "it went to other blocks"},
	} {
		r, events := script(t, row.script)
		c := model(t, r, events, row.reading).Crash(4)
		ch, err := c.ParseChoice(row.lost)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Normalise(ch); got.String() != row.normal {
			t.Errorf("%s, %s: losing %s loses %s, want %s: %s", row.reading, row.script, row.lost, got, row.normal, row.allowed)
		}
	}
}

// A file that gets a name late has at risk what it would have had with one.
func TestLateName(t *testing.T) {
	r, events := script(t, "create 2 b; begin; create 1 .; write 1 0 abc; write 1 0 ABC; sync 2; link . a")
	events[len(events)-1].File = 1
	for reading, want := range map[Reading]string{
		Strict:  "write file 1 [0, 3), event 4; size of file 1 to 3, event 4; write file 1 [0, 3), event 5; link file 1 to a, event 7",
		Ordered: "write file 1 [0, 3), event 5; link file 1 to a, event 7",
	} {
		c := model(t, r, events, reading).Crash(4)
		var got []string
		for i := range c.Pieces() {
			got = append(got, c.Describe(i))
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: %q", reading, got)
		}
	}
}

// What does not fit is an error that says which event, and never a guess.
func TestEventsThatDoNotFit(t *testing.T) {
	for _, text := range []string{
		"write 1 0 x", "sync 1", "truncate 1 0", "allocate 1 0 0 1",
		"create 1 a; create 1 b", "create 0 a", "create 1 d/a", "create 1 ..", "mkdir ./..", "mkdir .",
		"create 1 a; create 2 a/b", "rename a b", "unlink a", "rmdir a", "link a b", "syncdir d", "create 1 a; syncdir a",
		"mkdir d; unlink d", "create 1 a; rmdir a", "mkdir d; link d e", "mkdir d; rename d d/e",
		"create 1 a; allocate 1 8 0 4096", "create 1 a; allocate 1 9223372036854775807 9223372036854775807 9223372036854775807",
	} {
		r, events := script(t, text)
		for _, reading := range []Reading{Strict, Ordered} {
			m := New(r, reading)
			var err error
			for _, e := range events {
				if err != nil {
					t.Errorf("%s: refused before its end: %v", text, err)
				}
				err = m.Apply(e)
			}
			if !errors.Is(err, ErrEvent) || !strings.Contains(err.Error(), "event ") {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}

func TestDescribe(t *testing.T) {
	const text = "mkdir d; create 1 a; begin; write 1 0 abcdef; truncate 1 2; create 2 t; rename t a; rename a d/b; symlink l x; unlink l"
	r, events := script(t, text)
	for reading, want := range map[Reading][]string{
		Strict: {
			"write a [0, 4), event 4", "write a [4, 6), event 4", "size of a to 6, event 4", "truncate a to 2, event 5",
			"create t, event 6", "rename t to a, event 7",
			"rename a to d/b: the new name, event 8", "rename a to d/b: the old name's end, event 8",
			"symlink l to x, event 9", "unlink l, event 10",
		},
		Ordered: {
			"write a [0, 4), event 4", "write a [4, 6), event 4", "truncate a to 2, event 5",
			"create t, event 6", "rename t to a, event 7", "rename a to d/b, event 8",
			"symlink l to x, event 9", "unlink l, event 10",
		},
	} {
		c := model(t, r, events, reading).Crash(4)
		var got []string
		for i := range c.Pieces() {
			got = append(got, c.Describe(i))
			if !strings.HasSuffix(got[i], fmt.Sprintf(", event %d", c.Event(i))) {
				t.Errorf("%s: piece %d is of event %d, but %q", reading, i, c.Event(i), got[i])
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s", reading, strings.Join(got, "\n"))
		}
	}
}

// Sizes that are near the largest there are do no harm.
func TestFarAway(t *testing.T) {
	r, events := script(t, "create 1 a; write 1 9223372036854775806 x")
	c := model(t, r, events, Strict).Crash(1 << 62)
	if c.Pieces() != 3 {
		t.Errorf("%d pieces", c.Pieces())
	}
	for i := range c.Pieces() {
		t.Log(c.Describe(i))
	}
	c.Digest(c.Choice(nil))
}
