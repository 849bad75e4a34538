package commands

import "holdfast/resp"

// firstPop is what LMPOP, ZMPOP and their blocking forms are asked for: up to count elements from an end of the first of the
// keys that has any. An end is a side of a list or an extreme of a sorted set.
type firstPop[End any] struct {
	keys  [][]byte
	from  End
	count int
}

// readFirstPop reads "numkeys key [key ...] <end> [COUNT count]" from the i-th argument to the end; end reads an end, and
// replies where there is none.
func readFirstPop[End any](c *Call, i int, end func(i int) (End, bool)) (p firstPop[End], ok bool) {
	n, ok := c.atLeast(1, i, resp.ErrNumKeys)
	if !ok {
		return p, false
	}
	rest := c.Args[i+1:]
	if n >= len(rest) {
		c.Reply.Error(resp.ErrSyntax)
		return p, false
	}
	p.keys, p.count = rest[:n], 1
	i += 1 + n
	if p.from, ok = end(i); !ok {
		return p, false
	}
	switch options := len(c.Args) - i - 1; {
	case options == 0:
	case options >= 2 && c.is(i+1, "COUNT"):
		if p.count, ok = c.atLeast(1, i+2, resp.ErrCountPositive); ok && options > 2 {
			c.Reply.Error(resp.ErrSyntax)
			ok = false
		}
	default:
		c.Reply.Error(resp.ErrSyntax)
		ok = false
	}
	return p, ok
}
