package inspect

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"holdfast/kv"
	"holdfast/snapshot"
)

// hostileKeys would do something on a page that does not escape them.
func hostileKeys() []string {
	return []string{
		`<script>alert(1)</script>:x`, `"><img src=x onerror=alert(1)>:x`, `'-alert(1)-':x`, `</title><script>:x`, `{{.}}:x`,
		`javascript:alert(1)`, "&lt;b&gt;:x", "</svg><script>a</script>:\xff", "\u202etxt:x", `https://example.org/x.js`, "]]>:x", strings.Repeat("long", 200) + ":x",
	}
}

func hostilePage(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	meta := testMeta()
	meta.DBs = meta.DBs[1:]
	var all []item
	for i, key := range hostileKeys() {
		all = append(all, item{1, key, snapshot.Record{Kind: byte(kv.String), Payload: make([]byte, 500+i), Deadline: testTime + int64(i)*1_000_000}})
	}
	writeBase(t, dir, meta, all...)
	s := openSnapshot(t, dir)
	stats, err := NewStats(s.Source(), StatsOptions{Scope: Scope{DB: AllDatabases}, Biggest: 50, Separators: ":", Depth: 3, Top: 50, Now: testTime})
	must(t, err)
	about := s.Source().About()
	about.Name = `<script>alert("name")</script>`
	growth := []Moment{{`<script>`, testTime - 5000, 1, 2, 30_000}, {"b", testTime, 2, 3, 40_000}}
	var b strings.Builder
	must(t, Page{about, stats, growth}.Write(&b))
	if path := os.Getenv("REPORT_PAGE"); path != "" { // scripts/report-check looks at it in a browser
		must(t, os.WriteFile(path, []byte(b.String()), 0o600))
	}
	return b.String()
}

// The page is well formed, has no script and asks for nothing, whatever the keys are.
func TestPageOfHostileKeys(t *testing.T) {
	page := hostilePage(t)
	decoder := xml.NewDecoder(strings.NewReader(page))
	elements, text := map[string]int{}, ""
	policy := ""
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if must(t, err); t.Failed() {
			return
		}
		switch token := token.(type) {
		case xml.CharData:
			text += string(token)
		case xml.StartElement:
			elements[token.Name.Local]++
			for _, a := range token.Attr {
				name, value := strings.ToLower(a.Name.Local), a.Value
				switch {
				case strings.HasPrefix(name, "on"), name == "src", name == "srcset", name == "data", name == "xlink":
					t.Errorf("<%s> has %s=%q", token.Name.Local, name, value)
				case name == "href" && !strings.HasPrefix(value, "#"):
					t.Errorf("<%s> leads to %q", token.Name.Local, value)
				case name == "style" && !strings.HasPrefix(value, "width:"):
					t.Errorf("<%s> has style %q", token.Name.Local, value)
				case name == "content" && strings.Contains(value, "default-src 'none'"):
					policy = value
				}
			}
		}
	}
	for _, name := range []string{"script", "img", "iframe", "object", "embed", "link", "form", "input", "base", "foreignObject", "b"} {
		if elements[name] > 0 {
			t.Errorf("%d <%s>", elements[name], name)
		}
	}
	if policy == "" || strings.Contains(policy, "script-src") || strings.Contains(page, "url(") || strings.Contains(page, "@import") {
		t.Errorf("the policy is %q", policy)
	}
	for _, part := range []string{`<script>alert(1)</script>`, `onerror=alert(1)`, `{{.}}:`, `<script>alert("name")</script>`, `\xff`} {
		if !strings.Contains(text, part) {
			t.Errorf("the text does not have %s", part)
		}
	}
	if elements["svg"] != 3 || elements["rect"] < 20 || elements["circle"] != 2 || elements["table"] < 6 {
		t.Errorf("%v", elements)
	}
	if strings.Contains(page, "\u202e") || strings.Contains(page, "\xff") {
		t.Error("characters that turn the text around, or are none, are not quoted")
	}
}

func TestPageOfNothing(t *testing.T) {
	var b strings.Builder
	must(t, Page{}.Write(&b))
	if page := b.String(); !strings.Contains(page, "There is nothing to show.") || strings.Contains(page, "NaN") || strings.Contains(page, "Growth") {
		t.Error(page)
	}
	full := errors.New("no space left on device")
	if err := (Page{}).Write(fullWriter{full}); !errors.Is(err, full) {
		t.Error(err)
	}
}

type fullWriter struct{ err error }

func (w fullWriter) Write([]byte) (int, error) { return 0, w.err }

// The rects of a treemap lie within it, do not overlap, and have areas in proportion to the sizes.
func TestTreemap(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		sizes, total := make([]float64, 1+rng.IntN(30)), 0.0
		for i := range sizes {
			sizes[i] = math.Exp(10 * rng.Float64())
			total += sizes[i]
		}
		in := rect{3, 5, 100 + 900*rng.Float64(), 100 + 400*rng.Float64()}
		rects := treemap(sizes, in)
		const near = 1e-6
		for i, r := range rects {
			if want := in.W * in.H * sizes[i] / total; math.Abs(r.W*r.H-want) > near*in.W*in.H {
				t.Fatalf("rect %d has area %g, want %g", i, r.W*r.H, want)
			}
			if r.X < in.X-near || r.Y < in.Y-near || r.X+r.W > in.X+in.W+near || r.Y+r.H > in.Y+in.H+near {
				t.Fatalf("rect %d is outside: %+v in %+v", i, r, in)
			}
			for k, o := range rects[:i] {
				if min(r.X+r.W, o.X+o.W)-max(r.X, o.X) > near && min(r.Y+r.H, o.Y+o.H)-max(r.Y, o.Y) > near {
					t.Fatalf("rects %d and %d overlap", i, k)
				}
			}
		}
	}
	if got := treemap(nil, rect{0, 0, 1, 1}); len(got) != 0 {
		t.Error(got)
	}
}

func TestNumbersOnThePage(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1\u202f000", 1234567: "1\u202f234\u202f567"} {
		if got := number(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536 << 20: "1.5 GiB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	if got := shortKey(Bytes(strings.Repeat("k", 200))); got != strings.Repeat("k", 160)+"… (200 bytes)" {
		t.Error(got)
	}
	if got := share(1, 3) + " " + share(0, 0); got != "33.33 0.00" {
		t.Error(got)
	}
}
