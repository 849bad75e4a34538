package commands

import "testing"

func TestGeoSaysWhatItChanges(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"GEOADD k 13.361389 38.115556 p 15.087269 37.502669 c", ":2"},
		{"GEOADD k NX 1 1 p", ":0"},
		{"GEOADD k CH 13.361389 38.115556 p 1 1 n", ":1"},
		{"GEOSEARCHSTORE d k FROMLONLAT 15 37 BYRADIUS 200 km", ":2"},
		{"GEORADIUS k 15 37 100 km STOREDIST d", ":1"},
		{"GEORADIUS k 15 37 1 m STORE d", ":0"},
		{"GEORADIUS k 15 37 1 m STORE d", ":0"},
		{"GEOSEARCH k FROMLONLAT 15 37 BYRADIUS 200 km ASC", "*2 $1 c $1 p"},
	})
	s.expectLog("ZADD k 3479099956230698 p 3479447370796909 c", "ZADD k CH 3479099956230698 p 3377822707026402 n",
		"GEOSEARCHSTORE d k FROMLONLAT 15 37 BYRADIUS 200 km", "GEORADIUS k 15 37 100 km STOREDIST d", "GEORADIUS k 15 37 1 m STORE d")
	s.expectEvents("z zadd 0 k", "z zadd 0 k", "z geosearchstore 0 d", "z georadiusstore 0 d", "g del 0 d")
}

// A store into the set that is searched takes its place only when the search is over.
func TestGeoSearchIntoItself(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"GEOADD k 13.361389 38.115556 p 15.087269 37.502669 c 2.3522 48.8566 paris", ":3"},
		{"GEOSEARCHSTORE k k FROMMEMBER c BYRADIUS 200 km STOREDIST", ":2"},
		{"ZRANGE k 0 -1", "*2 $1 c $1 p"},
		{"DEL k", ":1"},
		{"GEOADD k 13.361389 38.115556 p 15.087269 37.502669 c", ":2"},
		{"EXPIRE k 100", ":1"},
		{"GEORADIUSBYMEMBER k c 1 km STORE k", ":1"},
		{"TTL k", ":-1"},
	})
}

// The key that GEORADIUS may store in is one of its keys, and is deleted when it is due like any other.
func TestGeoRadiusKnowsItsKeys(t *testing.T) {
	s := newStage(t)
	s.do("GEOADD k 1 1 a")
	s.do("SET d v PX 10")
	s.advance(20)
	s.takeLog()
	s.expectAll([]step{
		{"COMMAND GETKEYS GEORADIUS k 1 1 1 km", "*1 $1 k"},
		{"COMMAND GETKEYS GEORADIUS k 1 1 1 km STORE d", "*2 $1 k $1 d"},
		{"GEORADIUS k 50 50 1 km STORE d", ":0"},
	})
	s.expectLog("DEL d")
}
