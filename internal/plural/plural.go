// Package plural counts things in words.
package plural

import "fmt"

// Number is what things are counted in.
type Number interface{ int | int64 | uint64 }

// Count says how many there are of something whose plural takes an s.
func Count[N Number](n N, what string) string { return fmt.Sprintf("%d %s", n, Of(n, what, what+"s")) }

// Of is the word for one, or for any other number.
func Of[N Number](n N, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}
