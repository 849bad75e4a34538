package geo

import "math"

// Area is a circle, or a box that stands upright, around a place. Sizes are in metres.
type Area struct {
	Center        Point
	Radius        float64
	Box           bool
	Width, Height float64
}

// Distance is how far a place in the area is from its center, in metres; false: it lies outside.
func (a *Area) Distance(p Point) (metres float64, inside bool) {
	if a.Box {
		if latDistance(p.Lat, a.Center.Lat) > a.Height/2 {
			return 0, false
		}
		if Distance(p, Point{a.Center.Lon, p.Lat}) > a.Width/2 {
			return 0, false
		}
		return Distance(a.Center, p), true
	}
	metres = Distance(a.Center, p)
	return metres, metres <= a.Radius
}

// bounds is a box around the area. The nearer to a pole, the more degrees a width has.
func (a *Area) bounds() box {
	height, width := a.Radius, a.Radius
	if a.Box {
		height, width = a.Height/2, a.Width/2
	}
	lat := degrees(height / earthRadius)
	edge := a.Center.Lat + lat
	if a.Center.Lat < 0 {
		edge = a.Center.Lat - lat
	}
	lon := degrees(width / earthRadius / cosine(radians(edge)))
	return box{a.Center.Lon - lon, a.Center.Lat - lat, a.Center.Lon + lon, a.Center.Lat + lat}
}

// step is the one whose cells are about as large as the area, so that a cell and its neighbours hold it.
func (a *Area) step() uint {
	reach := a.Radius
	if a.Box {
		reach = math.Sqrt(float64(a.Width/2*(a.Width/2)) + float64(a.Height/2*(a.Height/2)))
	}
	if reach == 0 {
		return stepMax
	}
	step := -1
	for ; reach < mapMax; reach *= 2 {
		step++
	}
	switch lat := math.Abs(a.Center.Lat); { // towards the poles a degree is shorter
	case lat > 80:
		step -= 2
	case lat > 66:
		step--
	}
	return uint(max(1, min(step, stepMax)))
}

// Scores calls fn with ranges of scores, from up to but not including to, that hold every place in the area, and places
// around it: the cell of the center, then its neighbours. It ends when fn returns false.
func (a *Area) Scores(fn func(from, to float64) bool) {
	var last cell
	for _, c := range a.cells() {
		if c == (cell{}) || c == last {
			continue
		}
		if from, to := c.scores(); !fn(from, to) {
			return
		}
		last = c
	}
}

// cells are the center's cell and its neighbours, without those that the area does not reach.
func (a *Area) cells() (cells [9]cell) {
	bounds := a.bounds()
	center := cellOf(a.Center, a.step())
	if center.step > 1 && !center.reaches(bounds) {
		center = cellOf(a.Center, center.step-1)
	}
	here := center.box()
	for i, way := range [9]struct{ columns, rows int }{
		{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1},
	} {
		spare := way.rows < 0 && here.south < bounds.south || way.rows > 0 && here.north > bounds.north ||
			way.columns < 0 && here.west < bounds.west || way.columns > 0 && here.east > bounds.east
		if !spare || center.step < 2 {
			cells[i] = center.beside(way.columns, way.rows)
		}
	}
	return cells
}

// reaches reports whether the cell and its neighbours hold the box.
func (c cell) reaches(b box) bool {
	return c.beside(0, 1).box().north >= b.north && c.beside(0, -1).box().south <= b.south &&
		c.beside(1, 0).box().east >= b.east && c.beside(-1, 0).box().west <= b.west
}
