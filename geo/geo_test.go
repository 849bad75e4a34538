package geo

import (
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// random is a source of chance whose seed is printed; TEST_SEED repeats one.
func random(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	if given := os.Getenv("TEST_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func anywhere(rng *rand.Rand) Point {
	return Point{(2*rng.Float64() - 1) * LonMax, (2*rng.Float64() - 1) * LatMax}
}

// bigSinCos sums the two series in 200 bits.
func bigSinCos(x float64) (sin, cos float64) {
	const prec = 200
	term := big.NewFloat(1).SetPrec(prec)
	bigX, s, c := big.NewFloat(x).SetPrec(prec), new(big.Float).SetPrec(prec), big.NewFloat(1).SetPrec(prec)
	for n := int64(1); n < 80; n++ {
		term.Mul(term, bigX).Quo(term, new(big.Float).SetPrec(prec).SetInt64(n))
		sum := c
		if n%2 == 1 {
			sum = s
		}
		if n%4 < 2 {
			sum.Add(sum, term)
		} else {
			sum.Sub(sum, term)
		}
	}
	sin, _ = s.Float64()
	cos, _ = c.Float64()
	return sin, cos
}

func TestSinesAreExact(t *testing.T) {
	rng := random(t)
	for i := range 5000 {
		x := (2*rng.Float64() - 1) * math.Pi
		if i%10 == 0 {
			x *= math.Pow(2, -float64(rng.IntN(200)))
		}
		sin, cos := bigSinCos(x)
		if got := sine(x); got != sin {
			t.Errorf("the sine of %v is %v, not %v", x, sin, got)
		}
		if got := cosine(x); got != cos {
			t.Errorf("the cosine of %v is %v, not %v", x, cos, got)
		}
	}
}

// The sine of the arc sine, between those of its neighbours, is nearest to where it began.
func TestArcSinesAreExact(t *testing.T) {
	rng := random(t)
	for _, x := range []float64{0, 1, 0.5, 5e-324, 1 - 1e-16} {
		if got := arcSine(x); math.Abs(got-math.Asin(x)) > 3e-16 {
			t.Errorf("the arc sine of %v: %v", x, got)
		}
	}
	for range 5000 {
		x := rng.Float64()
		y := arcSine(x)
		off := func(y float64) float64 {
			sin, _ := sinCos(y)
			return math.Abs(pair{hi: x}.plus(sin.negative()).hi)
		}
		if off(math.Nextafter(y, 0)) < off(y) || off(math.Nextafter(y, 2)) < off(y) {
			t.Errorf("the arc sine of %v is not %v", x, y)
		}
	}
	if !math.IsNaN(arcSine(1.5)) {
		t.Error("1.5 has an arc sine")
	}
}

func TestKnownPlaces(t *testing.T) {
	palermo, catania := Point{13.361389, 38.115556}, Point{15.087269, 37.502669}
	if got := Score(palermo); got != 3479099956230698 {
		t.Errorf("Palermo's score is %d", got)
	}
	if got := string(AppendText(nil, Place(3479099956230698))); got != "sqc8b49rny0" {
		t.Errorf("Palermo's geohash is %s", got)
	}
	a, b := Place(float64(Score(palermo))), Place(float64(Score(catania)))
	if got := Distance(a, b); math.Abs(got-166274.1516) > 0.0001 {
		t.Errorf("from Palermo to Catania %v metres", got)
	}
	if got := Distance(Point{5, 10}, Point{5, 20}); got != latDistance(10, 20) {
		t.Errorf("along a meridian: %v", got)
	}
}

// A place comes back from its score within the size of a cell, and gets the same score again.
func TestScoresOfPlaces(t *testing.T) {
	rng := random(t)
	for range 20_000 {
		p := anywhere(rng)
		q := Place(float64(Score(p)))
		if math.Abs(p.Lon-q.Lon) > LonMax/(1<<26) || math.Abs(p.Lat-q.Lat) > LatMax/(1<<26) || !q.OnMap() {
			t.Fatalf("%v comes back as %v", p, q)
		}
		if Score(q) != Score(p) {
			t.Fatalf("%v has the score %d, and comes back as one of %d", p, Score(p), Score(q))
		}
	}
}

func TestNeighbours(t *testing.T) {
	for _, step := range []uint{1, 2, 13, 26} {
		c := cellOf(Point{-LonMax, 85}, step) // a corner
		for _, way := range [][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {-1, 1}} {
			if there := c.beside(way[0], way[1]); there == c || there.beside(-way[0], -way[1]) != c {
				t.Errorf("step %d: to %v and back", step, way)
			}
		}
		if west := c.beside(-1, 0).box(); math.Abs(west.east-LonMax) > 1e-6 {
			t.Errorf("step %d: west of the map's edge lies %v", step, west)
		}
	}
}

// Whatever lies in an area lies in its ranges of scores.
func TestAreasAreCovered(t *testing.T) {
	rng := random(t)
	for range 3000 {
		a := Area{Center: anywhere(rng), Radius: math.Pow(10, 7*rng.Float64())}
		if math.Abs(a.Center.Lat) > 75 { // nearer to the poles Redis misses some, and so does this
			continue
		}
		if rng.IntN(2) == 0 {
			a.Box, a.Width, a.Height = true, a.Radius, a.Radius*rng.Float64()
		}
		var ranges [][2]float64
		a.Scores(func(from, to float64) bool {
			ranges = append(ranges, [2]float64{from, to})
			return true
		})
		for range 50 {
			reach := degrees(a.Radius/earthRadius) * (2*rng.Float64() - 1)
			p := Point{a.Center.Lon + reach, a.Center.Lat + reach*rng.Float64()}
			if _, inside := a.Distance(p); !inside || !p.OnMap() || a.Radius > 1e6 {
				continue
			}
			score, covered := float64(Score(p)), false
			for _, r := range ranges {
				covered = covered || r[0] <= score && score < r[1]
			}
			if !covered {
				t.Fatalf("%v lies in %+v, and its score in none of %v", p, a, ranges)
			}
		}
	}
}

// FuzzPlace: any score is a place on the map, and has a geohash.
func FuzzPlace(f *testing.F) {
	for _, x := range []float64{0, -1, 1.5, 1 << 52, 1<<63 - 1024, 1 << 63, 1 << 64, 1e300, -1e300, math.Inf(1), math.Inf(-1), math.NaN()} {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, score float64) {
		p := Place(score)
		if !p.OnMap() {
			t.Fatalf("%v is at %v", score, p)
		}
		if text := AppendText(nil, p); len(text) != 11 {
			t.Fatalf("%v is called %s", score, text)
		}
		a := Area{Center: p, Radius: math.Abs(score)}
		n := 0
		a.Scores(func(from, to float64) bool { n++; return true })
		if n == 0 || n > 9 {
			t.Fatalf("%d ranges around %v", n, p)
		}
	})
}
