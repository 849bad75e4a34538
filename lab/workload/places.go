package workload

import (
	"slices"
	"strconv"
)

// A set of places is a sorted set whose scores are geohashes. All places are one of a few, far from each other, so that what
// lies around one of them is no matter of rounding.

// town is the number of a place; there are so many.
const towns = 12

func townLon(i int) int { return -170 + 25*i } // degrees
func townLat(i int) int { return -60 + 10*i }

// townScore is the geohash of a place, as Redis makes scores of them: 26 bits of latitude and of longitude in turn.
func townScore(i int) int {
	const latMax = 85.05112878
	lat := uint64((float64(townLat(i)) + latMax) / (2 * latMax) * (1 << 26))
	lon := uint64((float64(townLon(i)) + 180) / 360 * (1 << 26))
	score := uint64(0)
	for bit := range 26 {
		score |= lat>>bit&1<<(2*bit) | lon>>bit&1<<(2*bit+1)
	}
	return int(score)
}

// places are sets of them: members that come, move and go, and sets made of what is near a place.
func places() family {
	slots := []slot{{"places:{%d}:a", ranking}, {"places:{%d}:b", ranking}, {"places:{%d}:c", ranking}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		a, b := s.two(g.keys)
		town, member := s.rng.IntN(towns), "member"+strconv.Itoa(s.rng.IntN(6))
		lon, lat := strconv.Itoa(townLon(town)), strconv.Itoa(townLat(town))
		switch s.rng.IntN(12) {
		case 0, 1:
			return one("GEOADD", a, lon, lat, member)
		case 2:
			return one("GEOADD", a, "CH", lon, lat, member, lon, lat, s.unique())
		case 3:
			return one("GEOADD", a, "NX", lon, lat, member)
		case 4, 5:
			return one("GEOSEARCHSTORE", a, b, "FROMLONLAT", lon, lat, "BYRADIUS", "300", "km")
		case 6:
			return one("ZREM", a, member, "member0")
		case 7:
			return one("ZRANGE", a, "0", "-1", "WITHSCORES")
		case 8:
			return one("ZCARD", a)
		case 9:
			return [][][]byte{request("MULTI"), request("ZREM", a, member), request("GEOADD", b, lon, lat, member), request("EXEC")}
		default:
			return one("GEOADD", a, lon, lat, s.unique())
		}
	}}
}

// townAt is the number of the place with some coordinates.
func townAt(lon, lat string) int {
	for i := range towns {
		if lon == strconv.Itoa(townLon(i)) && lat == strconv.Itoa(townLat(i)) {
			return i
		}
	}
	return 0
}

// runPlaces runs a command of places.
func (m *machine) runPlaces(s *state, c *command, a answer) bool {
	v := &s.vals[c.keys[0]]
	if c.name == "GEOSEARCHSTORE" {
		score := townScore(townAt(c.args[1], c.args[2]))
		near := slices.DeleteFunc(s.vals[c.keys[1]].pairs(), func(p pair) bool { return p.score != score })
		m.setPairs(v, near)
		return a.isInt(len(near))
	}
	words, option := c.args, ""
	if len(words)%3 == 1 {
		option, words = words[0], words[1:]
	}
	all, told := v.pairs(), 0
	for ; len(words) >= 3; words = words[3:] {
		score := townScore(townAt(words[0], words[1]))
		k := slices.IndexFunc(all, func(p pair) bool { return p.member == words[2] })
		switch {
		case k < 0:
			all = append(all, pair{words[2], score})
			told++
		case option == "NX":
		default:
			if option == "CH" && all[k].score != score {
				told++
			}
			all[k].score = score
		}
	}
	m.setPairs(v, all)
	return a.isInt(told)
}
