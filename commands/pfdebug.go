package commands

import (
	"holdfast/hll"
	"holdfast/resp"
)

// PFDEBUG <GETREG | DECODE | ENCODING | TODENSE> key
func pfDebugCommand(c *Call) {
	e, found, ok := c.rawSketch(c.Args[2])
	switch {
	case !ok:
		return
	case !found:
		c.Reply.Error(resp.ErrNoSuchHLL)
		return
	}
	sketch := e.Text()
	switch {
	case c.is(1, "GETREG"):
		c.pfRegisters(sketch)
	case c.is(1, "DECODE"):
		if hll.IsDense(sketch) {
			c.Reply.Error(resp.ErrHLLNotSparse)
			return
		}
		c.Reply.Bulk(hll.AppendRuns(nil, sketch))
	case c.is(1, "ENCODING"):
		if hll.IsDense(sketch) {
			c.Reply.Status("dense")
		} else {
			c.Reply.Status("sparse")
		}
	case c.is(1, "TODENSE"):
		was := hll.IsDense(sketch)
		if _, ok := c.pfToDense(sketch); ok {
			c.Reply.Int(int64(flag(!was)))
		}
	default:
		c.Reply.Error(resp.ErrPFDebugUnknown(c.Args[1]))
	}
}

// pfRegisters replies the rank in each register. As in Redis the sketch is a dense one from then on.
func (c *Call) pfRegisters(sketch []byte) {
	dense, ok := c.pfToDense(sketch)
	if !ok {
		return
	}
	c.Reply.Array(hll.Registers)
	for i := range hll.Registers {
		rank, _ := hll.Rank(dense, i) // of a dense one there is always one
		c.Reply.Int(int64(rank))
	}
}

// pfToDense gives the sketch under the key the dense encoding.
func (c *Call) pfToDense(sketch []byte) (dense []byte, ok bool) {
	if hll.IsDense(sketch) {
		return sketch, true
	}
	dense, err := hll.ToDense(sketch)
	if err != nil {
		c.Reply.Error(resp.ErrCorruptHLL)
		return nil, false
	}
	key := c.Args[2]
	e, _ := c.DB.Peek(key)
	c.DB.SetString(key, dense, e.Deadline())
	c.DB.EditString(key, true)
	c.ChangedAside(key)
	return dense, true
}

// PFSELFTEST
func pfSelfTestCommand(c *Call) {
	if err := hll.SelfTest(); err != nil {
		c.Reply.Error(resp.ErrPFSelfTest(err.Error()))
		return
	}
	c.Reply.OK()
}
