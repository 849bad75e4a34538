package hll

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// SelfTest counts numbers in a sparse and in a dense sketch, and says where they do not agree, or are further from the
// truth than six standard errors.
func SelfTest() error {
	const (
		elements  = 100_000
		sparseMax = 2000
		errorMax  = 6 * 0.0081 // the standard error is 1.04 divided by the root of the number of registers
	)
	few, many := New(), New()
	many, err := ToDense(many)
	if err != nil {
		return err
	}
	for i, check := uint64(1), uint64(1); i <= elements; i++ {
		register, rank := Place(binary.LittleEndian.AppendUint64(nil, i))
		var changed, agrees bool
		if few, changed, err = Set(few, register, rank, sparseMax); err != nil {
			return err
		}
		if many, agrees, err = Set(many, register, rank, 0); err != nil || agrees != changed {
			return errors.Join(err, fmt.Errorf("number %d: the sparse and the dense sketch do not agree", i))
		}
		if i < check {
			continue
		}
		check *= 10
		n, err := Count(many)
		if m, err2 := Count(few); err != nil || err2 != nil || m != n {
			return errors.Join(err, err2, fmt.Errorf("%d numbers: counted as %d and as %d", i, m, n))
		}
		if off := float64(n)/float64(i) - 1; off < -errorMax || off > errorMax {
			return fmt.Errorf("%d numbers are counted as %d", i, n)
		}
	}
	return nil
}
