// Package play starts a server on every state that a crash could have left, and has the workload judge what is there.
//
//	trace ──► points ──► states (lab/disk) ──► start, read, judge ──► more writes, second crash, judge again ──► Result
//	                                                          │
//	                                         a failure ──► shrink ──► the least that must be lost for it
package play

import (
	"fmt"
	"strconv"
	"strings"

	"holdfast/lab/disk"
	"holdfast/lab/workload"
)

// State names a directory that a crash could have left: what is needed to build it again from the trace.
// Its text form is "SEQ/READING/PIECE/CHOICE", such as "412/strict/512/3,7-9": the crash comes right after event 412, and
// pieces 3, 7, 8 and 9 of those at risk are lost, each of 512 bytes at most. A choice may also be "all" and "none".
type State struct {
	Seq     uint64
	Reading disk.Reading
	Piece   int64        // bytes: 512 or 4096
	Variant disk.Variant // how Choice came about; not part of the text
	Choice  string       // as disk.Choice prints it
}

func (s State) String() string {
	return fmt.Sprintf("%d/%s/%d/%s", s.Seq, s.Reading, s.Piece, s.Choice)
}

// ParseState is the inverse of String.
func ParseState(text string) (State, error) {
	parts := strings.SplitN(text, "/", 4)
	if len(parts) != 4 {
		return State{}, fmt.Errorf("%q is not a crash state: want SEQ/READING/PIECE/CHOICE, such as 412/strict/512/3,7-9", text)
	}
	seq, err := strconv.ParseUint(parts[0], 10, 64)
	if err != nil {
		return State{}, fmt.Errorf("crash state %q: the event's number: %w", text, err)
	}
	piece, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || piece < 1 {
		return State{}, fmt.Errorf("crash state %q: the size of a piece is not a number of bytes", text)
	}
	reading := disk.Reading(parts[1])
	if reading != disk.Strict && reading != disk.Ordered {
		return State{}, fmt.Errorf("crash state %q: the reading is not %s or %s", text, disk.Strict, disk.Ordered)
	}
	return State{Seq: seq, Reading: reading, Piece: piece, Choice: parts[3]}, nil
}

// Outcome is what became of one state.
type Outcome string

const (
	// Sound: it started, and all that must be there was.
	Sound Outcome = "sound"
	// Refused: the server said why it does not start. No promise is broken by that, but it is counted apart.
	Refused Outcome = "refused"
	// Broken: a promise was.
	Broken Outcome = "broken"
	// Silent: the server neither started nor ended within the limit.
	Silent Outcome = "silent"
)

// Result is what became of one state, and why.
type Result struct {
	State   State   `json:"-"`
	Name    string  `json:"state"` // State.String
	Variant string  `json:"variant"`
	Outcome Outcome `json:"outcome"`
	// Round is the recovery in which it showed: 1, or 2 after the second crash.
	Round    int                `json:"round,omitempty"`
	Findings []workload.Finding `json:"findings,omitempty"`
	// Reason is what the server wrote when it refused, its last lines.
	Reason string `json:"reason,omitempty"`
	// Least is, for a broken state, the one with the fewest operations and the fewest lost pieces that breaks the same
	// promise; "" if it was not looked for. LeastLost describes its pieces.
	Least     string   `json:"least,omitempty"`
	LeastLost []string `json:"least_lost,omitempty"`
	Millis    float64  `json:"ms"`
	// NothingDue: no acknowledged write had to be there, so that nothing could be missing.
	NothingDue bool `json:"-"`
}
