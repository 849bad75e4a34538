package workload

import "fmt"

// inventedField says what of a hash cannot come from anybody.
func (d *diagnosis) inventedField(f fields) string {
	for i := range f {
		switch e := &f[i]; {
		case !d.sent[e.name]:
			return fmt.Sprintf("it has the field %s, which nobody sent to it", quoted(e.name))
		case e.name != countField && !d.sent[e.text]:
			return fmt.Sprintf("its field %s holds %s, which nobody sent to it", e.name, quoted(e.text))
		}
	}
	return ""
}

// differFields names the worst difference between a hash and what it should have been, and weighs them all.
func (d *diagnosis) differFields(s *sight, want *value) (worst Check, total int) {
	most := 0
	d.eachDifference(s, want, func(name string, check Check) {
		weight := map[Check]int{Lost: 20, Resurrected: 15, Deadline: 10}[check]
		if total += weight; weight > most {
			worst, most = check, weight
		}
	})
	return worst, total
}

// eachDifference calls do for each field that is not as it should be.
func (d *diagnosis) eachDifference(s *sight, want *value, do func(name string, check Check)) {
	at := d.h.Seen
	for _, name := range recordNames() {
		there, should := s.fields.at(name), want.fields.at(name)
		switch {
		case there == nil && should == nil:
		case there == nil:
			if should.hi == 0 || should.lo > at+lookingMax {
				do(name, Lost)
			}
		case should == nil:
			check := Lost
			if i, found := want.fields.search(name); found && want.fields[i].lapsed {
				check = Resurrected
			}
			do(name, check)
		case should.shows(there, at):
		case should.hi != 0 && should.hi+clockSlack < at:
			do(name, Resurrected)
		case should.text == there.text:
			do(name, Deadline)
		default:
			do(name, Lost)
		}
	}
}

// comparedFields describes the first field that is not as it should be, and says how many there are.
func (d *diagnosis) comparedFields(s *sight, want *value) (text string) {
	n := 0
	describe := func(e *field) string {
		if e == nil {
			return "nothing"
		}
		return quoted(e.text) + until(e.lo, e.hi)
	}
	d.eachDifference(s, want, func(name string, check Check) {
		if n++; n > 1 {
			return
		}
		text = fmt.Sprintf("its field %s holds %s; it should hold %s", name, describe(s.fields.at(name)), describe(want.fields.at(name)))
		if check == Resurrected {
			text += ", as it has expired"
		}
	})
	if n > 1 {
		text += fmt.Sprintf("; %d fields differ", n)
	}
	return text
}
