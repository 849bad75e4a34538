package inspect

import (
	"fmt"
	"io"
	"strings"
	"time"

	"holdfast/internal/plural"
)

// WriteText writes the stats for people.
func (s Stats) WriteText(w io.Writer) error {
	t := newTable(w, "database", "type", "keys", "with TTL", "without TTL", "elements", "bytes")
	for _, row := range s.Types {
		t.row(row.DB, row.Type, row.Keys, row.WithTTL, row.WithoutTTL, row.Elements, row.Bytes)
	}
	t.row("all", "all", s.Total.Keys, s.Total.WithTTL, s.Total.WithoutTTL, s.Total.Elements, s.Total.Bytes)
	err := t.flush()
	for _, section := range []func(io.Writer) error{
		s.writeEncodings, s.writeWithin, s.writeSizes, s.writeDue, s.writeBiggest, s.writePrefixes,
	} {
		if err == nil {
			err = section(w)
		}
	}
	return err
}

func (s Stats) writeEncodings(w io.Writer) error {
	if len(s.Encodings) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nencodings")
	t := newTable(w, "type", "encoding", "keys", "elements", "bytes")
	for _, e := range s.Encodings {
		t.row(e.Type, e.Encoding, e.Keys, e.Elements, e.Bytes)
	}
	return t.flush()
}

func (s Stats) writeWithin(w io.Writer) error {
	if len(s.Within) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nwithin values")
	t := newTable(w, "type", "what", "keys that have some", "count")
	for _, e := range s.Within {
		t.row(e.Type, e.What, e.Keys, e.N)
	}
	return t.flush()
}

func (s Stats) writeSizes(w io.Writer) error {
	if s.Total.Keys == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nsizes of key and value")
	t := newTable(w, "up to", "keys", "bytes", "of all keys")
	for _, row := range s.Sizes {
		if row.Keys > 0 {
			t.row(upTo(row.UpTo), row.Keys, row.Bytes, fmt.Sprintf("%-7s  %s", percent(row.Keys, s.Total.Keys), tally(row.Keys, s.Total.Keys)))
		}
	}
	return t.flush()
}

func (s Stats) writeDue(w io.Writer) error {
	if s.Total.WithTTL == 0 && s.Lapses == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nexpiring, from %s on\n", clock(s.Now))
	t := newTable(w, "within", "keys", "bytes", "keys so far", "bytes so far", "of all keys")
	var keys, bytes int64
	for _, row := range s.Due {
		keys, bytes = keys+row.Keys, bytes+row.Bytes
		if row.Keys > 0 {
			t.row(within(row.Within), row.Keys, row.Bytes, keys, bytes, percent(keys, s.Total.Keys))
		}
	}
	t.row("never", s.Total.WithoutTTL, s.Total.Bytes-bytes)
	if err := t.flush(); err != nil || s.Lapses == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "%s %s fields that expire before the key does\n", plural.Count(s.Lapses, "key"), plural.Of(s.Lapses, "has", "have"))
	return err
}

func (s Stats) writeBiggest(w io.Writer) error {
	if len(s.Biggest) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nbiggest keys")
	t := newTable(w, "bytes", "database", "type", "elements", "key")
	for _, k := range s.Biggest {
		t.row(k.Bytes, k.DB, k.Type, k.Elements, k.Key)
	}
	return t.flush()
}

func (s Stats) writePrefixes(w io.Writer) error {
	if s.Prefixes == nil || len(s.Prefixes.Below) == 0 {
		return nil
	}
	title := "\nprefixes, the largest first"
	if s.Prefixes.Approximate {
		title += " (approximate: there are more than are kept in memory, and the keys come in no order)"
	}
	fmt.Fprintln(w, title)
	t := newTable(w, "keys", "bytes", "of all", "prefix")
	s.Prefixes.write(t, s.Prefixes.Bytes, "")
	return t.flush()
}

// write writes what is below a prefix, indented.
func (p Prefix) write(t table, all int64, indent string) {
	for _, below := range p.Below {
		t.row(below.Keys, below.Bytes, percent(below.Bytes, all), indent+below.Prefix.word())
		below.write(t, all, indent+"  ")
	}
	if o := p.Others; o != nil {
		t.row(o.Keys, o.Bytes, percent(o.Bytes, all), indent+"("+plural.Count(o.Prefixes, "other")+")")
	}
}

// percent says how much of all a part is.
func percent(part, all int64) string {
	if all == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(all))
}

// tally draws a part of all as a bar.
func tally(part, all int64) string {
	const width = 30
	return strings.Repeat("#", int((part*width+all-1)/max(all, 1)))
}

// upTo names a size.
func upTo(size int64) string {
	switch {
	case size == 0:
		return "more"
	case size >= 1<<20:
		return fmt.Sprintf("%d MiB", size>>20)
	case size >= 1<<10:
		return fmt.Sprintf("%d KiB", size>>10)
	}
	return fmt.Sprintf("%d B", size)
}

// within names a time from now, in ms.
func within(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case ms < 0:
		return "later"
	case ms == 0:
		return "due already"
	case d >= 24*time.Hour:
		return plural.Count(int64(d/(24*time.Hour)), "day")
	case d >= time.Hour:
		return plural.Count(int64(d/time.Hour), "hour")
	}
	return plural.Count(int64(d/time.Minute), "minute")
}
