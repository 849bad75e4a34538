package zsets

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"math"
	"strconv"

	"holdfast/dict"
	"holdfast/outline"
)

// Assembly makes a large set of its members with their scores, in any order.
func Assembly() outline.Assembly {
	return outline.Assembly{ElementMax: PartBytesMax, Begin: func(s outline.Site) outline.Assembler {
		return &assembler{
			to: NewBuilder(s.Seed, s.Part), order: s.Sorter(3), members: s.Sorter(1),
			seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		}
	}}
}

// assembler sorts twice: the elements in the order of the set, and, as a member may come with two scores, two hashes of each member.
type assembler struct {
	to             *Builder
	order, members outline.Sorter
	seeds          [2]maphash.Seed
	key, value     []byte
}

func (a *assembler) Add(e outline.Element) error {
	if err := Check(e); err != nil {
		return err
	}
	member := e.Pieces[0].Bytes
	score, _ := parseScore(e.Pieces[1].Bytes)
	a.key = append(AppendOrder(a.key[:0], score), member...)
	a.value = binary.BigEndian.AppendUint64(a.value[:0], math.Float64bits(score))
	if err := a.order.Add(a.key, a.value); err != nil {
		return err
	}
	a.key = binary.BigEndian.AppendUint64(a.key[:0], maphash.Bytes(a.seeds[0], member))
	a.key = binary.BigEndian.AppendUint64(a.key, maphash.Bytes(a.seeds[1], member))
	return a.members.Add(a.key, nil)
}

func (a *assembler) End() (head []byte, err error) {
	var last [16]byte
	err = a.members.Each(func(key, _ []byte) error {
		if string(key) == string(last[:]) {
			return dict.ErrTwice
		}
		copy(last[:], key)
		return nil
	})
	if err == nil {
		err = a.order.Each(func(key, value []byte) error {
			return a.to.Add(key[len(value):], math.Float64frombits(binary.BigEndian.Uint64(value)))
		})
	}
	if err != nil {
		return nil, err
	}
	return a.to.End()
}

func (a *assembler) Discard() error { return errors.Join(a.order.Discard(), a.members.Discard()) }

// Check looks whether an element is one of a sorted set: outline.ErrNoValue.
func Check(e outline.Element) error {
	if !e.Has(outline.Member, outline.Score) {
		return outline.ErrNoValue
	}
	if _, ok := parseScore(e.Pieces[1].Bytes); !ok {
		return outline.ErrNoValue
	}
	return nil
}

// parseScore reads a score: a decimal number that a double holds, "inf" or "-inf".
func parseScore(b []byte) (score float64, ok bool) {
	score, err := strconv.ParseFloat(string(b), 64)
	return score, err == nil && !math.IsNaN(score)
}
