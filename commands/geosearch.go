package commands

import (
	"cmp"
	"slices"

	"holdfast/geo"
	"holdfast/resp"
	"holdfast/zsets"
)

// geoSearch is a search for places: what GEOSEARCH, GEORADIUS and the commands beside them were asked.
type geoSearch struct {
	set    *zsets.Set // nil: there is none
	area   geo.Area
	metres float64 // the unit of distances

	atMember, atPlace bool // how the center was given
	circle            bool // a radius was given; Area.Box: a box
	search            bool // GEOSEARCH or GEOSEARCHSTORE: area, size and STOREDIST are options
	stores            bool // may store

	order                         geoSorting
	count                         int64 // 0: all
	any                           bool  // any so many will do
	withDist, withHash, withCoord bool
	store                         []byte // key; nil: reply
	storeDist                     bool
}

type geoSorting int

const (
	unsorted geoSorting = iota
	nearest
	farthest
)

// GEOSEARCH key <FROMMEMBER … | FROMLONLAT …> <BYRADIUS … | BYBOX …> [option ...]
func geoSearchCommand(c *Call) {
	c.geoSearch(&geoSearch{search: true}, c.Args[1], 2)
}

// GEOSEARCHSTORE destination source <FROMMEMBER … | FROMLONLAT …> <BYRADIUS … | BYBOX …> [option ...]
func geoSearchStoreCommand(c *Call) {
	c.geoSearch(&geoSearch{search: true, stores: true, store: c.Args[1]}, c.Args[2], 3)
}

// GEORADIUS key longitude latitude radius unit [option ...]
func geoRadiusCommand(c *Call) { c.geoRadius(true) }

// GEORADIUS_RO key longitude latitude radius unit [option ...]
func geoRadiusROCommand(c *Call) { c.geoRadius(false) }

func (c *Call) geoRadius(stores bool) {
	c.geoSearch(&geoSearch{stores: stores, atPlace: true}, c.Args[1], 6)
}

// GEORADIUSBYMEMBER key member radius unit [option ...]
func geoRadiusByMemberCommand(c *Call) { c.geoRadiusByMember(true) }

// GEORADIUSBYMEMBER_RO key member radius unit [option ...]
func geoRadiusByMemberROCommand(c *Call) { c.geoRadiusByMember(false) }

func (c *Call) geoRadiusByMember(stores bool) {
	c.geoSearch(&geoSearch{stores: stores}, c.Args[1], 5)
}

// geoSearch searches the set under the key; the options begin at an argument.
func (c *Call) geoSearch(s *geoSearch, key []byte, options int) {
	var ok bool
	if s.set, ok = c.zset(key); !ok {
		return
	}
	if !s.search && !c.geoCircle(s) || !c.geoOptions(s, options) || !c.geoSensible(s) {
		return
	}
	if s.set == nil {
		s.set = zsets.New()
	}
	found := s.find()
	if s.store != nil {
		c.storePlaces(s, found)
		return
	}
	c.Reply.Array(len(found))
	for i := range found {
		c.replyFound(s, &found[i])
	}
}

// geoCircle reads the circle of GEORADIUS or, where the center is a member, of GEORADIUSBYMEMBER.
func (c *Call) geoCircle(s *geoSearch) (ok bool) {
	radius := 4
	if s.atPlace {
		if s.area.Center, ok = c.point(2); !ok {
			return false
		}
	} else {
		if s.set == nil {
			return true // as in Redis, which looks at the options only
		}
		if ok = c.geoMember(s, 2); !ok {
			return false
		}
		radius = 3
	}
	return c.geoRadiusOf(s, radius)
}

// geoMember makes a member the center.
func (c *Call) geoMember(s *geoSearch, i int) (ok bool) {
	if s.area.Center, ok = placeOf(s.set, c.Args[i]); !ok {
		c.Reply.Error(resp.ErrGeoMember)
	}
	return ok
}

// geoRadiusOf reads a radius and its unit.
func (c *Call) geoRadiusOf(s *geoSearch, i int) (ok bool) {
	radius, ok := c.double(i, resp.ErrGeoRadius)
	if !ok {
		return false
	}
	if radius < 0 {
		c.Reply.Error(resp.ErrGeoRadiusNegative)
		return false
	}
	if s.metres, ok = c.unit(i + 1); ok {
		s.area.Radius = radius * s.metres
	}
	return ok
}

// geoBox reads a width, a height and their unit.
func (c *Call) geoBox(s *geoSearch, i int) (ok bool) {
	width, ok := c.double(i, resp.ErrGeoWidth)
	if !ok {
		return false
	}
	height, ok := c.double(i+1, resp.ErrGeoHeight)
	if !ok {
		return false
	}
	if width < 0 || height < 0 {
		c.Reply.Error(resp.ErrGeoBoxNegative)
		return false
	}
	if s.metres, ok = c.unit(i + 2); ok {
		s.area.Box, s.area.Width, s.area.Height = true, width*s.metres, height*s.metres
	}
	return ok
}

// geoOptions reads what comes behind the arguments that are always there.
func (c *Call) geoOptions(s *geoSearch, i int) bool {
	for i < len(c.Args) {
		n, ok := c.geoOption(s, i)
		if !ok {
			return false
		}
		i += n
	}
	return true
}

// geoOption reads the option at an argument, and tells how many arguments it takes.
func (c *Call) geoOption(s *geoSearch, i int) (n int, ok bool) {
	more := len(c.Args) - 1 - i
	switch {
	case c.is(i, "WITHDIST"):
		s.withDist = true
	case c.is(i, "WITHHASH"):
		s.withHash = true
	case c.is(i, "WITHCOORD"):
		s.withCoord = true
	case c.is(i, "ANY"):
		s.any = true
	case c.is(i, "ASC"):
		s.order = nearest
	case c.is(i, "DESC"):
		s.order = farthest
	case c.is(i, "COUNT") && more >= 1:
		return 2, c.geoCount(s, i+1)
	case s.search:
		return c.geoSearchOption(s, i, more)
	case s.stores && c.is(i, "STORE") && more >= 1:
		s.store, s.storeDist = c.Args[i+1], false
		return 2, true
	case s.stores && c.is(i, "STOREDIST") && more >= 1:
		s.store, s.storeDist = c.Args[i+1], true
		return 2, true
	default:
		c.Reply.Error(resp.ErrSyntax)
		return 0, false
	}
	return 1, true
}

// geoSearchOption reads an option that only GEOSEARCH and GEOSEARCHSTORE have.
func (c *Call) geoSearchOption(s *geoSearch, i, more int) (n int, ok bool) {
	switch {
	case c.is(i, "FROMMEMBER") && more >= 1 && !s.atPlace:
		s.atMember = true
		return 2, s.set == nil || c.geoMember(s, i+1)
	case c.is(i, "FROMLONLAT") && more >= 2 && !s.atMember:
		s.atPlace = true
		s.area.Center, ok = c.point(i + 1)
		return 3, ok
	case c.is(i, "BYRADIUS") && more >= 2 && !s.area.Box:
		s.circle = true
		return 3, c.geoRadiusOf(s, i+1)
	case c.is(i, "BYBOX") && more >= 3 && !s.circle:
		return 4, c.geoBox(s, i+1)
	case c.is(i, "STOREDIST") && s.stores:
		s.storeDist = true
		return 1, true
	}
	c.Reply.Error(resp.ErrSyntax)
	return 0, false
}

func (c *Call) geoCount(s *geoSearch, i int) (ok bool) {
	if s.count, ok = c.int(i); ok && s.count <= 0 {
		c.Reply.Error(resp.ErrCountAboveZero)
		return false
	}
	return ok
}

// geoSensible reports whether the options go together; where they do not, the reply says so.
func (c *Call) geoSensible(s *geoSearch) bool {
	refusal := ""
	switch {
	case s.store != nil && (s.withDist || s.withHash || s.withCoord) && s.search:
		refusal = resp.ErrGeoSearchStoreWith
	case s.store != nil && (s.withDist || s.withHash || s.withCoord):
		refusal = resp.ErrGeoRadiusStoreWith
	case s.search && !s.atMember && !s.atPlace:
		refusal = resp.ErrGeoFrom(c.Args[0])
	case s.search && !s.circle && !s.area.Box:
		refusal = resp.ErrGeoBy(c.Args[0])
	case s.any && s.count == 0:
		refusal = resp.ErrGeoAny
	default:
		return true
	}
	c.Reply.Error(refusal)
	return false
}

// found is a member in the area.
type found struct {
	member []byte // the set's own
	score  float64
	place  geo.Point
	metres float64 // from the center
}

// find returns the members in the area, in the order asked for, and no more than asked for.
func (s *geoSearch) find() []found {
	if s.count > 0 && s.order == unsorted && !s.any {
		s.order = nearest
	}
	var all []found
	enough := func() bool { return s.any && int64(len(all)) >= s.count }
	if s.set.Len() == 0 {
		return nil
	}
	s.area.Scores(func(from, to float64) bool {
		lo, hi := s.set.ByScore(zsets.ScoreRange{Min: from, Max: to, MaxOpen: true})
		for member, score := range s.set.Range(lo, hi) {
			place := geo.Place(score)
			if metres, inside := s.area.Distance(place); inside {
				all = append(all, found{member, score, place, metres})
			}
			if enough() {
				return false
			}
		}
		return true
	})
	switch s.order {
	case nearest:
		slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(a.metres, b.metres) })
	case farthest:
		slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(b.metres, a.metres) })
	}
	if s.count > 0 && int64(len(all)) > s.count {
		all = all[:s.count]
	}
	return all
}

// replyFound replies one member, and what else was asked for.
func (c *Call) replyFound(s *geoSearch, f *found) {
	if n := flag(s.withDist) + flag(s.withHash) + flag(s.withCoord); n > 0 {
		c.Reply.Array(1 + n)
	}
	c.Reply.Bulk(f.member)
	if s.withDist {
		c.replyDistance(f.metres / s.metres)
	}
	if s.withHash {
		c.Reply.Int(int64(f.score))
	}
	if s.withCoord {
		c.replyPlace(f.place)
	}
}

// storePlaces makes the key a sorted set of what was found, by score or by distance.
func (c *Call) storePlaces(s *geoSearch, all []found) {
	z := zsets.New()
	for _, f := range all {
		score := f.score
		if s.storeDist {
			score = f.metres / s.metres
		}
		z.Put(f.member, score, c.zsetLimits())
	}
	event := "georadiusstore"
	if s.search {
		event = "geosearchstore"
	}
	c.storeZSet(event, s.store, z)
	if n := z.Len(); n > 0 {
		c.Changes += n - 1
	}
}
