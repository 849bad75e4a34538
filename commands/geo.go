package commands

import (
	"math/big"
	"strconv"

	"holdfast/geo"
	"holdfast/resp"
	"holdfast/zsets"
)

// Places are members of a sorted set; their scores are cells of the map: see package geo.

const (
	geoUnit    = "<M | KM | FT | MI>"
	geoFrom    = "<FROMMEMBER member | FROMLONLAT longitude latitude>"
	geoBy      = "<BYRADIUS radius " + geoUnit + " | <BYBOX width> height " + geoUnit + ">"
	geoOrder   = "[ASC | DESC]"
	geoCount   = "[COUNT count [ANY]]"
	geoWith    = "[WITHCOORD] [WITHDIST] [WITHHASH]"
	geoStore   = "[STORE key] [STOREDIST key]"
	geoEffort  = "O(n) in the members of the cells around the area, which are some ten times as large"
	geoEffortN = "O(n log m) in the places given, of m"
)

func geoCommands() []*Command {
	return []*Command{
		{
			Name: "geoadd", Group: Geo, Since: "3.2.0", Arity: -5, Flags: Write | DenyOOM, Categories: CatGeo,
			Keys:    Key(1, RW|Update),
			Syntax:  "key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]",
			Summary: "Gives members places on the earth.", Complexity: geoEffortN,
			Run: geoAddCommand,
		},
		{
			Name: "geodist", Group: Geo, Since: "3.2.0", Arity: -4, Flags: ReadOnly, Categories: CatGeo,
			Keys:    Key(1, RO|Access),
			Syntax:  "key member1 member2 [M | KM | FT | MI]",
			Summary: "Tells how far two members are from each other.", Complexity: "O(1)",
			Run: geoDistCommand,
		},
		{
			Name: "geohash", Group: Geo, Since: "3.2.0", Arity: -2, Flags: ReadOnly, Categories: CatGeo,
			Keys:    Key(1, RO|Access),
			Syntax:  "key [member [member ...]]",
			Summary: "Returns the places of members as geohashes.", Complexity: "O(n) in the members asked for",
			Run: geoHashCommand,
		},
		{
			Name: "geopos", Group: Geo, Since: "3.2.0", Arity: -2, Flags: ReadOnly, Categories: CatGeo,
			Keys:    Key(1, RO|Access),
			Syntax:  "key [member [member ...]]",
			Summary: "Returns the places of members as longitudes and latitudes.", Complexity: "O(n) in the members asked for",
			Run: geoPosCommand,
		},
		{
			Name: "geosearch", Group: Geo, Since: "6.2.0", Arity: -7, Flags: ReadOnly, Categories: CatGeo,
			Keys:    Key(1, RO|Access),
			Syntax:  "key " + geoFrom + " " + geoBy + " " + geoOrder + " " + geoCount + " " + geoWith,
			Summary: "Finds the members in a circle or a box.", Complexity: geoEffort,
			Run: geoSearchCommand,
		},
		{
			Name: "geosearchstore", Group: Geo, Since: "6.2.0", Arity: -8, Flags: Write | DenyOOM, Categories: CatGeo,
			Keys:    []KeySpec{keyAt(1, OW|Update), keyAt(2, RO|Access)},
			Syntax:  "destination source " + geoFrom + " " + geoBy + " " + geoOrder + " " + geoCount + " [STOREDIST]",
			Summary: "Finds the members in a circle or a box, and stores them.", Complexity: geoEffort,
			Run: geoSearchStoreCommand,
		},
		{
			Name: "georadius", Group: Geo, Since: "3.2.0", Arity: -6, Flags: Write | DenyOOM | MovableKeys, Categories: CatGeo,
			Deprecated: "6.2.0", Instead: "`GEOSEARCH` and `GEOSEARCHSTORE` by radius",
			Keys:    geoRadiusKeys(6),
			Syntax:  "key longitude latitude radius " + geoUnit + " " + geoWith + " " + geoCount + " " + geoOrder + " " + geoStore,
			Summary: "An older form of GEOSEARCH: finds the members in a circle.", Complexity: geoEffort,
			Run: geoRadiusCommand,
		},
		{
			Name: "georadius_ro", Group: Geo, Since: "3.2.10", Arity: -6, Flags: ReadOnly, Categories: CatGeo,
			Deprecated: "6.2.0", Instead: "`GEOSEARCH` by radius",
			Keys:    Key(1, RO|Access),
			Syntax:  "key longitude latitude radius " + geoUnit + " " + geoWith + " " + geoCount + " " + geoOrder,
			Summary: "GEORADIUS that cannot store.", Complexity: geoEffort,
			Run: geoRadiusROCommand,
		},
		{
			Name: "georadiusbymember", Group: Geo, Since: "3.2.0", Arity: -5, Flags: Write | DenyOOM | MovableKeys, Categories: CatGeo,
			Deprecated: "6.2.0", Instead: "`GEOSEARCH` and `GEOSEARCHSTORE` by radius from a member",
			Keys:    geoRadiusKeys(5),
			Syntax:  "key member radius " + geoUnit + " " + geoWith + " " + geoCount + " " + geoOrder + " " + geoStore,
			Summary: "An older form of GEOSEARCH: finds the members in a circle around one of them.", Complexity: geoEffort,
			Run: geoRadiusByMemberCommand,
		},
		{
			Name: "georadiusbymember_ro", Group: Geo, Since: "3.2.10", Arity: -5, Flags: ReadOnly, Categories: CatGeo,
			Deprecated: "6.2.0", Instead: "`GEOSEARCH` by radius from a member",
			Keys:    Key(1, RO|Access),
			Syntax:  "key member radius " + geoUnit + " " + geoWith + " " + geoCount + " " + geoOrder,
			Summary: "GEORADIUSBYMEMBER that cannot store.", Complexity: geoEffort,
			Run: geoRadiusByMemberROCommand,
		},
	}
}

// geoRadiusKeys are the set's key, and the one to store in, if any, somewhere from an argument on.
func geoRadiusKeys(from int) []KeySpec {
	return []KeySpec{
		keyAt(1, RO|Access),
		{Flags: OW | Update, Keyword: "STORE", From: from, Step: 1, Optional: true},
		{Flags: OW | Update, Keyword: "STOREDIST", From: from, Step: 1, Optional: true},
	}
}

// GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]
func geoAddCommand(c *Call) {
	i, nx, xx := 2, false, false
options:
	for ; i < len(c.Args); i++ {
		switch {
		case c.is(i, "NX"):
			nx = true
		case c.is(i, "XX"):
			xx = true
		case !c.is(i, "CH"):
			break options
		}
	}
	if (len(c.Args)-i)%3 != 0 || nx && xx {
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	args := append([][]byte{word("ZADD")}, c.Args[1:i]...)
	for ; i < len(c.Args); i += 3 {
		p, ok := c.point(i)
		if !ok {
			return
		}
		args = append(args, strconv.AppendUint(nil, geo.Score(p), 10), c.Args[i+2])
	}
	c.Args = args
	c.zadd(scoreOptions{})
	if c.Changes > 0 {
		c.Effect(args...)
	}
}

// point reads a longitude and a latitude; where they are none, the reply says so.
func (c *Call) point(i int) (p geo.Point, ok bool) {
	if p.Lon, ok = c.double(i, resp.ErrNotFloat); !ok {
		return p, false
	}
	if p.Lat, ok = c.double(i+1, resp.ErrNotFloat); !ok {
		return p, false
	}
	if !p.OnMap() {
		c.Reply.Error(resp.ErrGeoPoint(p.Lon, p.Lat))
		return p, false
	}
	return p, true
}

// unit reads a unit of length, in metres; where it is none, the reply says so.
func (c *Call) unit(i int) (metres float64, ok bool) {
	switch {
	case c.is(i, "M"):
		return 1, true
	case c.is(i, "KM"):
		return 1000, true
	case c.is(i, "FT"):
		return 0.3048, true
	case c.is(i, "MI"):
		return 1609.34, true
	}
	c.Reply.Error(resp.ErrGeoUnit)
	return 0, false
}

// placeOf is where a member of the set is; false if it is none, or there is no set.
func placeOf(z *zsets.Set, member []byte) (p geo.Point, ok bool) {
	if z == nil {
		return p, false
	}
	score, ok := z.Score(member)
	return geo.Place(score), ok
}

// GEODIST key member1 member2 [M | KM | FT | MI]
func geoDistCommand(c *Call) {
	metres := 1.0
	if len(c.Args) > 5 {
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	if len(c.Args) == 5 {
		var ok bool
		if metres, ok = c.unit(4); !ok {
			return
		}
	}
	z, ok := c.zset(c.Args[1])
	if !ok {
		return
	}
	a, okA := placeOf(z, c.Args[2])
	b, okB := placeOf(z, c.Args[3])
	if !okA || !okB {
		c.Reply.Null()
		return
	}
	c.replyDistance(geo.Distance(a, b) / metres)
}

// replyDistance replies with four digits behind the point.
func (c *Call) replyDistance(d float64) {
	var room [32]byte
	c.Reply.Bulk(strconv.AppendFloat(room[:0], d, 'f', 4, 64))
}

// replyPlace replies a longitude and a latitude, with up to 17 digits behind the point.
func (c *Call) replyPlace(p geo.Point) {
	var room [32]byte
	c.Reply.Array(2)
	for _, x := range [2]float64{p.Lon, p.Lat} {
		c.Reply.DoubleText(appendLongDouble(room[:0], new(big.Float).SetPrec(longDoubleBits).SetFloat64(x)))
	}
}

// GEOHASH key [member [member ...]]
func geoHashCommand(c *Call) {
	z, ok := c.zset(c.Args[1])
	if !ok {
		return
	}
	c.Reply.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		var room [16]byte
		if p, ok := placeOf(z, member); ok {
			c.Reply.Bulk(geo.AppendText(room[:0], p))
		} else {
			c.Reply.Null()
		}
	}
}

// GEOPOS key [member [member ...]]
func geoPosCommand(c *Call) {
	z, ok := c.zset(c.Args[1])
	if !ok {
		return
	}
	c.Reply.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		if p, ok := placeOf(z, member); ok {
			c.replyPlace(p)
		} else {
			c.Reply.NullArray()
		}
	}
}
