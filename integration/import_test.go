package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A server that refuses to write keeps the values that an import was to replace, and their deadlines, and the import fails.
func TestImportRefused(t *testing.T) {
	if twins {
		t.Skip("redis-server has no such command")
	}
	t.Parallel()
	long := strings.Repeat("x", 2<<20)
	var b strings.Builder
	for _, deadline := range []string{"", `,"deadline_unix_ms":1`, `,"deadline_unix_ms":1999999999999`} {
		name := fmt.Sprint(len(deadline))
		b.WriteString(`{"db":0,"key":"s` + name + `","type":"string"` + deadline + `,"value":"new"}` + "\n")
		b.WriteString(`{"db":0,"key":"l` + name + `","type":"list"` + deadline + `,"count":600,"elements":["y"` + strings.Repeat(`,"y"`, 599) + "]}\n")
		b.WriteString(`{"db":0,"key":"h` + name + `","type":"hash"` + deadline + `,"count":1,"elements":[{"field":"f","value":"new"}]}` + "\n")
		b.WriteString(`{"db":0,"key":"long` + name + `","type":"string"` + deadline + `,"value":"` + long + `"}` + "\n")
	}
	text := filepath.Join(t.TempDir(), "new.json")
	if err := os.WriteFile(text, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, side := range []Program{subject, model} {
		proc := start(t, side, Options{Dir: t.TempDir(), Fsync: "no"})
		c := dial(t, proc.Addr)
		for line := range strings.Lines(b.String()) {
			key := strings.Split(line, `"`)[5]
			must(t, c, "RPUSH", key, "old", "value")
			must(t, c, "PEXPIREAT", key, "1900000000000")
		}
		keys := picture(t, proc)
		port := strings.Split(proc.Addr, ":")[1]
		must(t, c, "CONFIG", "SET", "maxmemory", "1")
		expectTool(t, 1, "refused", "snapshot", "import", text, "-p", port, "--replace")
		must(t, c, "CONFIG", "SET", "maxmemory", "0")
		samePicture(t, "what was to be replaced", proc, keys)

		expectTool(t, 0, "12 were there and are replaced", "snapshot", "import", text, "-p", port, "--replace")
		if n := len(must(t, c, "KEYS", "*").Elems); n != 8 {
			t.Errorf("%d keys where 4 of 12 have gone by their deadlines", n)
		}
	}
}
