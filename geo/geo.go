// Package geo is the arithmetic of places on the earth: geohashes of 52 bits, distances, and the cells around an area.
// Redis keeps places as scores of a sorted set, and clients may compare what it says to the last digit; so the formulas,
// and the order of their operations, are those by which it arrives at its numbers.
//
// The map is a square: longitudes from -180 to 180, latitudes up to where a Mercator map of the world ends as a square.
// A cell of step n is one of 4ⁿ equal ones, and its number has two bits a step: the bits of the column and the row in
// turns, the column's first. So the cells within a cell are a range of numbers, and so of scores.
package geo

import "math"

const (
	// LonMax and LatMax bound the map, in degrees on both sides of 0.
	LonMax = 180.0
	LatMax = 85.05112878

	stepMax = 26 // 52 bits, all that a float64 holds well

	earthRadius = 6372797.560856 // metres
	mapMax      = 20037726.37    // metres: half of the map's width at the equator
)

// Point is a place in degrees.
type Point struct{ Lon, Lat float64 }

// OnMap reports whether the point is on the map.
func (p Point) OnMap() bool {
	return -LonMax <= p.Lon && p.Lon <= LonMax && -LatMax <= p.Lat && p.Lat <= LatMax
}

func radians(degrees float64) float64 { return degrees * (math.Pi / 180) }
func degrees(radians float64) float64 { return radians / (math.Pi / 180) }

// Distance is how far two places are from each other on a sphere, in metres, by the haversine formula.
func Distance(a, b Point) float64 {
	v := sine((radians(b.Lon) - radians(a.Lon)) / 2)
	if v == 0 {
		return latDistance(a.Lat, b.Lat)
	}
	latA, latB := radians(a.Lat), radians(b.Lat)
	u := sine((latB - latA) / 2)
	h := float64(u*u) + float64(cosine(latA)*cosine(latB)*v*v)
	return 2 * earthRadius * arcSine(math.Sqrt(h))
}

// latDistance is Distance along a meridian.
func latDistance(a, b float64) float64 {
	return earthRadius * math.Abs(radians(b)-radians(a))
}
