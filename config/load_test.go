package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func load(t *testing.T, text string) *Config {
	t.Helper()
	c := New()
	if err := c.Load(strings.NewReader(text), "redis.conf"); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoad(t *testing.T) {
	for _, test := range []struct{ text, name, want string }{
		{"", "hz", "10"},
		{"# hz 20\n\n  # more\n", "hz", "10"},
		{"hz 20", "hz", "20"},
		{"\t hz\t 20 \r\n", "hz", "20"},
		{"HZ 20\n", "hz", "20"},
		{`"hz" 20`, "hz", "20"},
		{"hz 20\nhz 30\n", "hz", "30"},
		{"fsync no\n", "appendfsync", "no"},
		{"hash-max-ziplist-entries 7\n", "hash-max-listpack-entries", "7"},
		{"maxmemory 100mb\n", "maxmemory", "104857600"},
		{"bind 127.0.0.1 -::1\n", "bind", "127.0.0.1 -::1"},
		{"bind 127.0.0.1\nbind 127.0.0.2\n", "bind", "127.0.0.2"},
		{"bind \"\"\n", "bind", ""},
		{`requirepass "se \x41cr\"et"`, "requirepass", `se Acr"et`},
		{`requirepass 'a\'b"\n'`, "requirepass", `a'b"\n`},
		{`requirepass ab"cd"`, "requirepass", "abcd"},
		{`requirepass "#1"`, "requirepass", "#1"},
		{`requirepass "\n\r\t\b\a\q\x4"`, "requirepass", "\n\r\t\b\aqx4"},
		{`requirepass ""`, "requirepass", ""},
		{"save 10 1\n", "save", "10 1"},
		{"save 10 1\nsave 20 2\n", "save", "10 1 20 2"},
		{"save \"10 1 20 2\"\nsave 30 3", "save", "10 1 20 2 30 3"},
		{"save 1 2 3 4\nsave \"\"\n save 5 6\n", "save", "5 6"},
		{"save \"\"\n", "save", ""},
		{"client-output-buffer-limit normal 1mb 2 3\nclient-output-buffer-limit replica 4 5 6\n", "client-output-buffer-limit",
			"normal 1048576 2 3 slave 4 5 6 pubsub 33554432 8388608 60"},
		{"notify-keyspace-events Ex\n", "notify-keyspace-events", "xE"},
		{"addr 0.0.0.0:7000\nport 7001\n", "addr", "0.0.0.0:7001"},
		{"daemonize no\n", "daemonize", "no"},
	} {
		t.Run(test.text, func(t *testing.T) {
			wantValue(t, load(t, test.text), test.name, test.want)
		})
	}
}

func TestLoadErrorsAreOneLineThatSaysWhatToDo(t *testing.T) {
	for _, test := range []struct {
		text, want string
		is         error
	}{
		{"\nmaxmemroy 1gb\n", "redis.conf:2: maxmemroy: unknown setting: did you mean maxmemory?", ErrUnknown},
		{"xyzzy-plugh 1\n", "redis.conf:1: xyzzy-plugh: unknown setting: remove it, or see holdfast serve --help for the names", ErrUnknown},
		{"hz fast\n", "redis.conf:1: hz \"fast\": give a whole number from 0 to 2147483647", ErrInvalid},
		{"MAXMEMORY lots\n", "redis.conf:1: maxmemory \"lots\": give a size such as 512mb or 1gb", ErrInvalid},
		{"segment-bytes 64kb\n", "redis.conf:1: segment-bytes \"64kb\": give a size such as 512mb or 1gb, at least 1mb, at most 16gb", ErrInvalid},
		{"dir \"\"\n", "redis.conf:1: dir \"\": the name of the directory is empty", ErrInvalid},
		{"hz\n", "redis.conf:1: hz: wrong number of arguments: give a whole number from 0 to 2147483647", ErrSyntax},
		{"hz 1 2\n", "redis.conf:1: hz: wrong number of arguments: give a whole number from 0 to 2147483647", ErrSyntax},
		{"hz 11 # comment\n", "redis.conf:1: hz: wrong number of arguments: give a whole number from 0 to 2147483647", ErrSyntax},
		{"save\n", `redis.conf:1: save: wrong number of arguments: give pairs of seconds and changes such as "3600 1 300 100", or "" for none`, ErrSyntax},
		{"save 10\n", `redis.conf:1: save "10": give pairs of seconds and changes such as "3600 1 300 100", or "" for none`, ErrInvalid},
		{"requirepass \"a\n", `redis.conf:1: unbalanced quotes in configuration line: close every quote, with a blank behind it, and write \" for a quote inside`, ErrSyntax},
		{"requirepass \"a\"b\n", `redis.conf:1: unbalanced quotes in configuration line: close every quote, with a blank behind it, and write \" for a quote inside`, ErrSyntax},
		{"daemonize yes\n", "redis.conf:1: daemonize \"yes\": only no is supported: remove it, or give no", ErrInvalid},
		{"replicaof 10.0.0.1 6379\n", `redis.conf:1: replicaof "10.0.0.1 6379": only "" is supported: remove it, or give ""`, ErrInvalid},
		{"rename-command CONFIG \"\"\n", "redis.conf:1: rename-command: not a setting of holdfast: commands cannot be renamed; remove the line", ErrUnknown},
		{"user\n", "redis.conf:1: user: wrong number of arguments: give the user's name, and rules behind it", ErrSyntax},
		{"include\n", "redis.conf:1: include: wrong number of arguments: give one path", ErrSyntax},
		{"include \"[\"\n", "redis.conf:1: include: syntax error in pattern: check the pattern", ErrSyntax},
	} {
		err := New().Load(strings.NewReader(test.text), "redis.conf")
		if err == nil || err.Error() != test.want {
			t.Errorf("%q:\n got %v\nwant %s", test.text, err, test.want)
		}
		if !errors.Is(err, test.is) {
			t.Errorf("%q: error %v is not %v", test.text, err, test.is)
		}
	}
}

func TestLoadReportsEveryError(t *testing.T) {
	err := New().Load(strings.NewReader("hz a\nhz 1\nport b\n"), "x.conf")
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "x.conf:1: hz ") || !strings.HasPrefix(lines[1], "x.conf:3: port ") {
		t.Errorf("%q", lines)
	}
	var at *SourceError
	if !errors.As(err, &at) || at.File != "x.conf" || at.Line != 1 {
		t.Errorf("first place %+v", at)
	}
}

func TestLoadLimits(t *testing.T) {
	err := New().Load(strings.NewReader(strings.Repeat("nope\n", 1000)), "x.conf")
	if n := len(strings.Split(err.Error(), "\n")); n != errorsMax {
		t.Errorf("%d errors, want %d", n, errorsMax)
	}
	err = New().Load(strings.NewReader("hz 1\nrequirepass "+strings.Repeat("a", lineBytesMax)), "x.conf")
	if want := "x.conf:2: line of more than 65536 bytes: check that this is a configuration file"; err == nil || err.Error() != want {
		t.Errorf("long line: %v", err)
	}
	err = New().Load(strings.NewReader("hz \x00 1"), "x.conf")
	if !errors.Is(err, ErrSyntax) {
		t.Errorf("zero byte: %v", err)
	}
}

func TestLoadReportsAFailingReader(t *testing.T) {
	broken := errors.New("disk on fire")
	err := New().Load(iotest.ErrReader(broken), "x.conf")
	if !errors.Is(err, broken) || err.Error() != "x.conf:1: cannot read on: disk on fire: check the file" {
		t.Errorf("error %v", err)
	}
}

// write makes files in a new directory, and returns the path of the first.
func write(t *testing.T, files ...[2]string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range files {
		path := filepath.Join(dir, file[0])
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file[1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, files[0][0])
}

func loadFile(t *testing.T, path string) (*Config, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := New()
	return c, c.Load(f, path)
}

func TestIncludeIsRelativeToItsFile(t *testing.T) {
	path := write(t,
		[2]string{"main.conf", "hz 11\ninclude sub/a.conf\ntimeout 3\n"},
		[2]string{"sub/a.conf", "hz 12\ntimeout 2\ninclude b.conf\n"},
		[2]string{"sub/b.conf", "tcp-keepalive 7\nsave 1 2\n"})
	c, err := loadFile(t, path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"hz": "12", "timeout": "3", "tcp-keepalive": "7", "save": "1 2"} {
		wantValue(t, c, name, want)
	}
}

func TestIncludeTakesGlobs(t *testing.T) {
	path := write(t,
		[2]string{"main.conf", "include conf.d/*.conf\ninclude none/*.conf\n"},
		[2]string{"conf.d/1.conf", "hz 11\ntimeout 1\n"},
		[2]string{"conf.d/2.conf", "hz 12\n"})
	c, err := loadFile(t, path)
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, c, "hz", "12")
	wantValue(t, c, "timeout", "1")
}

func TestIncludeErrorsNameTheirFile(t *testing.T) {
	path := write(t, [2]string{"main.conf", "include a.conf\ninclude gone.conf\n"}, [2]string{"a.conf", "\nhz x\n"})
	_, err := loadFile(t, path)
	if err == nil {
		t.Fatal("no error")
	}
	dir := filepath.Dir(path)
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], filepath.Join(dir, "a.conf")+":2: hz ") {
		t.Errorf("%q", lines)
	}
	if !strings.HasPrefix(lines[1], path+":2: include: ") || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%q", lines)
	}
}

func TestIncludeOfItselfEnds(t *testing.T) {
	path := write(t, [2]string{"main.conf", "include main.conf\ninclude *.conf\n"})
	_, err := loadFile(t, path)
	if !errors.Is(err, ErrSyntax) || !strings.Contains(err.Error(), "more than 100 files") {
		t.Errorf("error %v", err)
	}
}

func TestFileDoesNotOverruleFlags(t *testing.T) {
	c := New()
	mustSet(t, c, Flag, "save", "1 1")
	if err := c.Load(strings.NewReader("save 2 2\nsave 3 3\nclient-output-buffer-limit pubsub 1 1 1\n"), "x"); err != nil {
		t.Fatal(err)
	}
	wantValue(t, c, "save", "1 1")
}

func TestNearest(t *testing.T) {
	c := New()
	for name, want := range map[string]string{
		"maxmemroy": "maxmemory", "APPENDFSYNK": "appendfsync", "fsnc": "fsync", "prot": "port",
		"save-rules": "", "x": "", "": "", "lua-time-limits": "lua-time-limit",
	} {
		if got := c.nearest(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestQuotedWordsComeBack(t *testing.T) {
	words := []string{"", " ", "a", "#a", "a b", `"`, `'`, `\`, `a\nb`, "\x00", "\n", "\x7f", "\xff", "é", `x"y'z`, "-"}
	for _, word := range words {
		got, err := SplitWords(quoteWord(word))
		if err != nil || len(got) != 1 || got[0] != word {
			t.Errorf("%q is written %s and read %q, %v", word, quoteWord(word), got, err)
		}
	}
	var line []string
	for _, word := range words {
		line = append(line, quoteWord(word))
	}
	if got, err := SplitWords(strings.Join(line, " ")); err != nil || !slices.Equal(got, words) {
		t.Errorf("together: %q, %v", got, err)
	}
}

// Whatever is in a file: no panic, and every error names its line. A file that loads is left by Rewrite as it is,
// and after changes at run time it is rewritten so that it loads with the same values.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "\v", "hz 20\n", "# c\r\nhz\t20\r\n", "save 10 1\nsave 20 2\nsave \"\"\n", "requirepass \"a\\x00\\\"b\" ", "user a on \">p q\"\nuser b\n", "bind a b\naddr [::1]:5\nport 7\n",
		"client-output-buffer-limit normal 1gb 2 3 slave 4 5 6\n", "maxmemory 5%\nmaxmemory-clients 5%\n", "notify-keyspace-events AKEn",
		"shutdown-on-sigint now save", "latency-tracking-info-percentiles 1e1 NaN", "unixsocketperm 0777", "fsync no\nappendfsync always",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") {
			return // would read this machine's files
		}
		c := New()
		if err := c.Load(strings.NewReader(text), "fuzz.conf"); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "fuzz.conf:") {
					t.Errorf("%q: error %q", text, line)
				}
			}
			text = "" // and rewrite what did load from nothing
		} else if got := string(c.Rewrite([]byte(text), userWords(c))); strings.TrimSuffix(got, "\n") != strings.TrimSuffix(text, "\n") {
			t.Errorf("%q is rewritten as %q, with nothing changed", text, got)
		}
		wantRewrite(t, c, text)
		for _, pair := range [][2]string{{"hz", "77"}, {"save", "7 7"}, {"requirepass", "\x00 \"\\"}, {"notify-keyspace-events", "n"}} {
			mustSet(t, c, RunTime, pair[0], pair[1])
		}
		mustSet(t, c, Flag, "port", "77")
		wantRewrite(t, c, text)
	})
}

// wantRewrite checks that c rewrites a file into one that loads with the values of c.
// userWords are the users of the files, as Rewrite wants them.
func userWords(c *Config) (words [][]string) {
	for _, u := range c.Users() {
		words = append(words, u.Words)
	}
	return words
}

func wantRewrite(t *testing.T, c *Config, old string) {
	t.Helper()
	rewritten := c.Rewrite([]byte(old), userWords(c))
	again := New()
	if err := again.Load(strings.NewReader(string(rewritten)), "rewritten"); err != nil {
		t.Fatalf("%q is rewritten as %q: %v", old, rewritten, err)
	}
	if got, want := again.Match([]string{"*"}), c.Match([]string{"*"}); !slices.Equal(got, want) {
		t.Errorf("%q is rewritten as %q, which loads as something else", old, rewritten)
	}
}

// The file that comes with the systemd unit loads, and so does what is commented out in it.
func TestDeployedFile(t *testing.T) {
	const path = "../deploy/holdfast.conf"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := New().Load(strings.NewReader(string(text)), path); err != nil {
		t.Error(err)
	}
	c, lines := New(), 0
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "# ")), " ")
		if _, known := c.Get(name); !ok || !known || strings.Contains(value, " ") {
			continue
		}
		lines++
		if err := c.Set(File, name, value); err != nil {
			t.Error(err)
		}
	}
	if lines < 15 {
		t.Errorf("%d settings", lines)
	}
}
