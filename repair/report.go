package repair

import (
	"fmt"
	"io"
	"strings"

	"holdfast/aof"
	"holdfast/engine"
	"holdfast/history"
	"holdfast/internal/plural"
)

// Step is one thing that a repair does.
type Step struct {
	Do   string `json:"do"`   // finish, salvage, replace, remove, move, cut or accept
	File string `json:"file"` // within the directory
	Why  string `json:"why"`
}

// Plan is what a repair is going to do, and what that loses. Without steps there is nothing to do.
type Plan struct {
	Dir     string   `json:"dir"`
	Steps   []Step   `json:"steps"`
	Loss    Loss     `json:"loss"`
	Notes   []string `json:"notes,omitempty"`
	Base    string   `json:"base"`    // what the next start begins from; "" is the log's beginning
	End     uint64   `json:"lsn"`     // where the data will stand
	Finish  bool     `json:"unknown"` // a change has to be finished before anything else can be said
	Salvage bool     `json:"salvage"` // the base is put together from what of it can be read
	// Quarantine is where the copies are, once it is done; "" where nothing had to be copied.
	Quarantine string `json:"quarantine,omitempty"`
	Refused    int64  `json:"refused_commands,omitempty"` // that did not work on a salvaged base

	base          history.Base
	damage        error // of base.db
	replace       bool  // base.db is to be another
	dropRedo      bool  // its redo file is to go, which no base fits
	logged, unlog bool  // segments are left; the base's word that there are some is to be taken back
	cut           *cut
	moved         []string // files of the log that go whole
	removed       []aof.SegmentInfo
	end           uint64
}

func (p *Plan) step(do, file, why string) { p.Steps = append(p.Steps, Step{do, file, why}) }

// explain completes the plan's words.
func (p *Plan) explain() {
	p.Base, p.End = p.base.File, p.end
	if !p.replace {
		return
	}
	why := "it is missing"
	if p.damage != nil {
		why = p.damage.Error()
	} else if p.base.File != engine.BaseName {
		why = "a snapshot leads further"
	}
	step := Step{Do: "replace", File: engine.BaseName, Why: fmt.Sprintf("%s; by %s, as of LSN %d", why, p.base, p.base.Meta.LSN)}
	switch {
	case p.Salvage:
		step = Step{Do: "salvage", File: engine.BaseName, Why: fmt.Sprintf("%s; %d of its keys can be read, %d can not", why, p.Loss.BaseKept, p.Loss.BaseLost)}
	case p.base.Empty():
		step = Step{Do: "remove", File: engine.BaseName, Why: why + "; the log goes back to its first record"}
	}
	p.Steps = append([]Step{step}, p.Steps...)
}

// WriteText writes the plan for people.
func (p *Plan) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, note := range p.Notes {
		fmt.Fprintf(&b, "note     %s\n", note)
	}
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%-8s %s: %s\n", s.Do, s.File, s.Why)
	}
	switch loss := p.Loss.String(); {
	case len(p.Steps) == 0:
		fmt.Fprintf(&b, "%s needs no repair: a start has nothing to mind\n", p.Dir)
	case p.Finish:
	case loss == "":
		fmt.Fprintf(&b, "nothing is lost: the data ends at LSN %d, as before\n", p.End)
	default:
		fmt.Fprintf(&b, "lost: %s\nthe data ends at LSN %d\n", loss, p.End)
	}
	if p.Salvage && p.Loss.String() != "" {
		b.WriteString("values that were built on lost keys are not what they were: better a backup, if there is one\n")
	}
	if p.Refused > 0 {
		fmt.Fprintf(&b, "%s of the log did not work without what is lost, and %s left out\n",
			plural.Count(p.Refused, "command"), plural.Of(p.Refused, "was", "were"))
	}
	if p.Quarantine != "" {
		fmt.Fprintf(&b, "what was cut is in %s\n", p.Quarantine)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
