package inspect

import (
	"hash/maphash"

	"holdfast/outline"
)

// lcsMost bounds the table by which a longest common subsequence is found: two lists of 2,000 elements, and 16 MB.
const lcsMost = 4 << 20

// keptPlaces finds the places of a and b, but for so many at both ends, whose elements are the same in the same order:
// those of a longest common subsequence, by which a queue that has moved on differs by what came and what went. Where they
// are too many to tell, it finds none.
func keptPlaces(a, b *Entry, head, tail int64) (kept [2]map[int64]bool, err error) {
	n, m := a.Elements-head-tail, b.Elements-head-tail
	if n == 0 || m == 0 || n > lcsMost/m {
		return kept, nil
	}
	seed := maphash.MakeSeed()
	x, err := contentSums(a, head, a.Elements-tail, seed)
	if err != nil {
		return kept, err
	}
	y, err := contentSums(b, head, b.Elements-tail, seed)
	if err != nil {
		return kept, err
	}
	kept = [2]map[int64]bool{{}, {}}
	eachCommon(x, y, func(i, j int) {
		kept[0][head+int64(i)], kept[1][head+int64(j)] = true, true
	})
	return kept, nil
}

// contentSums are the digests of the elements from one place to another.
func contentSums(e *Entry, from, to int64, seed maphash.Seed) (sums []uint64, err error) {
	var content []byte
	err = between(e, from, to, func(_ int64, el outline.Element) error {
		content = appendContent(content[:0], el)
		sums = append(sums, maphash.Bytes(seed, content))
		return nil
	})
	return sums, err
}

// eachCommon calls fn for the pairs of a longest common subsequence.
func eachCommon(x, y []uint64, fn func(i, j int)) {
	width := len(y) + 1
	longest := make([]int32, (len(x)+1)*width) // of what is left of x and y
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if at := i*width + j; x[i] == y[j] {
				longest[at] = longest[at+width+1] + 1
			} else {
				longest[at] = max(longest[at+width], longest[at+1])
			}
		}
	}
	for i, j := 0, 0; i < len(x) && j < len(y); {
		switch at := i*width + j; {
		case x[i] == y[j]:
			fn(i, j)
			i, j = i+1, j+1
		case longest[at+width] >= longest[at+1]:
			i++
		default:
			j++
		}
	}
}
