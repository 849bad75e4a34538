package inspect

import (
	"cmp"
	"slices"
)

// rect is a place on a plane.
type rect struct{ X, Y, W, H float64 }

// inset is the rect without a margin, and so much more at the top.
func (r rect) inset(margin, top float64) rect {
	return rect{r.X + margin, r.Y + margin + top, max(0, r.W-2*margin), max(0, r.H-2*margin-top)}
}

// treemap gives each size a rect of an area in proportion to it, as near to squares as it goes: the squarified treemap of
// Bruls, Huizing and van Wijk (2000). Sizes are above 0; the rects come in the order of the sizes given.
func treemap(sizes []float64, in rect) []rect {
	order := make([]int, len(sizes))
	total := 0.0
	for i, size := range sizes {
		order[i] = i
		total += size
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sizes[b], sizes[a]) })
	rects := make([]rect, len(sizes))
	if total <= 0 || in.W <= 0 || in.H <= 0 {
		return rects
	}
	scale := in.W * in.H / total
	for left := in; len(order) > 0; {
		n := rowOf(sizes, order, scale, min(left.W, left.H))
		left = placeRow(rects, sizes, order[:n], scale, left)
		order = order[n:]
	}
	return rects
}

// rowOf is how many of the sizes make a row along a side of some length: as many as make its worst rect more like a square.
func rowOf(sizes []float64, order []int, scale, side float64) int {
	area, best := 0.0, 0.0
	for n, i := range order {
		area += sizes[i] * scale
		least, most := sizes[i]*scale, sizes[order[0]]*scale
		worst := max(side*side*most/(area*area), area*area/(side*side*least))
		if n > 0 && worst > best {
			return n
		}
		best = worst
	}
	return len(order)
}

// placeRow puts a row along the shorter side, and returns what is left beside it.
func placeRow(rects []rect, sizes []float64, row []int, scale float64, in rect) rect {
	area := 0.0
	for _, i := range row {
		area += sizes[i] * scale
	}
	upright := in.W >= in.H // the row is a column at the left
	thick := area / max(min(in.W, in.H), 1e-9)
	at := 0.0
	for _, i := range row {
		long := sizes[i] * scale / max(thick, 1e-9)
		if upright {
			rects[i] = rect{in.X, in.Y + at, thick, long}
		} else {
			rects[i] = rect{in.X + at, in.Y, long, thick}
		}
		at += long
	}
	if upright {
		return rect{in.X + thick, in.Y, max(0, in.W-thick), in.H}
	}
	return rect{in.X, in.Y + thick, in.W, max(0, in.H-thick)}
}
