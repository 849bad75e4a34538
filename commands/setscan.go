package commands

import (
	"holdfast/glob"
	"holdfast/resp"
)

// SSCAN key cursor [MATCH pattern] [COUNT count]
func sscanCommand(c *Call) {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		c.Reply.Error(resp.ErrInvalidCursor)
		return
	}
	s, ok := c.setAt(c.Args[1])
	if !ok {
		return
	}
	if s == nil { // before the options are looked at, as in Redis
		c.replyScan(0, nil)
		return
	}
	o, ok := c.scanOptions(3)
	switch {
	case !ok:
		return
	case o.kind != nil:
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	var found [][]byte
	seen := int64(0)
	for steps := max(scanSteps, 10*min(o.count, 1<<32)); ; steps-- {
		cursor = s.Scan(cursor, func(member []byte) {
			seen++
			if o.pattern == nil || glob.Match(o.pattern, member) {
				found = append(found, member)
			}
		})
		if cursor == 0 || seen >= o.count || steps == 0 {
			break
		}
	}
	c.replyScan(cursor, found)
}
