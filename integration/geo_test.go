package integration

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// Searches and distances come out as Redis's do, and in the same order, wherever on the map.
func TestGeoAtRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	ours, theirs := bothServers(t)
	otherwise := 0 // distances that are rounded the other way
	same := func(args ...string) {
		t.Helper()
		a, b := must(t, ours, args...), must(t, theirs, args...)
		rounded, ok := compareRounded(a.Raw, b.Raw)
		otherwise += rounded
		if !ok {
			at := 0
			for at < min(len(a.Raw), len(b.Raw)) && a.Raw[at] == b.Raw[at] {
				at++
			}
			from := max(0, at-60)
			t.Errorf("%.100q differ at byte %d\n  holdfast  %.120q\n  redis     %.120q", args, at, a.Raw[from:], b.Raw[from:])
		}
	}
	number := func(max float64) string { return strconv.FormatFloat((2*rng.Float64()-1)*max, 'g', -1, 64) }
	const members = 1500
	args := []string{"GEOADD", "world"}
	for i := range members {
		lon, lat := number(180), number(85)
		if i%3 == 0 { // some near each other
			lon, lat = strconv.FormatFloat(13+rng.Float64(), 'g', -1, 64), number(0.5)
		}
		args = append(args, lon, lat, fmt.Sprint("m", i))
	}
	same(args...)
	same("ZRANGE", "world", "0", "-1", "WITHSCORES")
	unit := func() string { return []string{"m", "km", "ft", "mi"}[rng.IntN(4)] }
	member := func() string { return fmt.Sprint("m", rng.IntN(members)) }
	size := func() string {
		return strconv.FormatFloat(rng.Float64()*[]float64{10, 1000, 100_000, 2_000_000, 20_000_000}[rng.IntN(5)], 'g', -1, 64)
	}
	for range 500 {
		words := []string{"world"}
		if rng.IntN(2) == 0 {
			words = append(words, "FROMMEMBER", member())
		} else {
			words = append(words, "FROMLONLAT", number(180), number(85))
		}
		if rng.IntN(2) == 0 {
			words = append(words, "BYRADIUS", size(), unit())
		} else {
			words = append(words, "BYBOX", size(), size(), unit())
		}
		words = append(words, [][]string{{}, {"ASC"}, {"DESC"}, {"COUNT", "10"}, {"COUNT", "10", "ANY"}}[rng.IntN(5)]...)
		if rng.IntN(4) == 0 {
			same(append(append([]string{"GEOSEARCHSTORE", "stored"}, words...), "STOREDIST")...)
			compareStored(t, ours, theirs)
		} else {
			same(append(append([]string{"GEOSEARCH"}, words...), "WITHDIST", "WITHHASH", "WITHCOORD")...)
		}
		same("GEODIST", "world", member(), member(), unit())
		same("GEOHASH", "world", member())
		same("GEORADIUSBYMEMBER", "world", member(), size(), "m")
	}
	// Their last bits are apart, see compareStored, and those decide so seldom that one run in twenty has such a distance.
	if t.Logf("%d distances are rounded otherwise", otherwise); otherwise > 3 {
		t.Errorf("%d distances are rounded otherwise", otherwise)
	}
}

// compareRounded compares two replies, line by line. A distance, which has four decimals, may differ by one of the last:
// rounded counts these.
func compareRounded(a, b []byte) (rounded int, ok bool) {
	linesA, linesB := bytes.Split(a, []byte("\r\n")), bytes.Split(b, []byte("\r\n"))
	if len(linesA) != len(linesB) {
		return 0, false
	}
	for i, lineA := range linesA {
		if bytes.Equal(lineA, linesB[i]) {
			continue
		}
		if x, y := tenthousandths(lineA), tenthousandths(linesB[i]); x < 0 || y < 0 || max(x, y)-min(x, y) > 1 {
			return rounded, false
		}
		rounded++
	}
	return rounded, true
}

// tenthousandths is a number of four decimals times 10,000, and -1 for anything else.
func tenthousandths(line []byte) int64 {
	whole, decimals, _ := bytes.Cut(line, []byte("."))
	n, err := strconv.ParseInt(string(whole)+string(decimals), 10, 64)
	if err != nil || len(decimals) != 4 {
		return -1
	}
	return n
}

// compareStored compares the sets that a search has stored. Of distances the last bits may differ: holdfast's are the
// nearest to the true values, Redis's are what C's library makes of them.
func compareStored(t *testing.T, ours, theirs *Conn) {
	t.Helper()
	const apart = 1e-13
	a, b := must(t, ours, "ZRANGE", "stored", "0", "-1", "WITHSCORES"), must(t, theirs, "ZRANGE", "stored", "0", "-1", "WITHSCORES")
	if len(a.Elems) != len(b.Elems) {
		t.Fatalf("%d and %d elements were stored", len(a.Elems)/2, len(b.Elems)/2)
	}
	for i := 0; i < len(a.Elems); i += 2 {
		x, errX := strconv.ParseFloat(a.Elems[i+1].Text, 64)
		y, errY := strconv.ParseFloat(b.Elems[i+1].Text, 64)
		if a.Elems[i].Text != b.Elems[i].Text || errX != nil || errY != nil || math.Abs(x-y) > apart*y {
			t.Errorf("element %d is %s at %s, and %s at %s", i/2, a.Elems[i].Text, a.Elems[i+1].Text, b.Elems[i].Text, b.Elems[i+1].Text)
		}
	}
}
