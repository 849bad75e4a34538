package restore

import (
	"fmt"
	"io"
	"strings"
	"time"

	"holdfast/history"
	"holdfast/internal/plural"
)

// Report is what a restore did. It stands in the new directory as restored.json.
type Report struct {
	Source        string       `json:"source"`            // the directory, or the file
	SourceDataSet string       `json:"source_data_set"`   // in hexadecimal
	DataSet       string       `json:"data_set"`          // the new one's; "" where nothing was done
	DryRun        bool         `json:"dry_run,omitempty"` // nothing was done
	Asked         string       `json:"asked"`             // the point, in words
	Base          BaseUsed     `json:"base"`
	Damaged       []string     `json:"damaged_bases,omitempty"` // that would have been nearer
	From          uint64       `json:"from_lsn"`                // of the records replayed; 0: none
	Records       int64        `json:"records"`
	LSN           uint64       `json:"lsn"` // of the state
	Time          time.Time    `json:"time"`
	Keys          int64        `json:"keys"`
	TTLs          int64        `json:"ttls"`
	Only          string       `json:"only_keys,omitempty"`     // the pattern that keys had to match
	Others        int64        `json:"keys_left_out,omitempty"` // that did not match
	Verified      Verification `json:"verified"`
	Restored      time.Time    `json:"restored_at"`
	Millis        int64        `json:"took_ms"`
}

// BaseUsed is the base that a restore began from.
type BaseUsed struct {
	File string    `json:"file"` // within the source; "" is the empty beginning
	LSN  uint64    `json:"lsn"`
	Time time.Time `json:"time"`
}

// Verification is what of the result was read and found to be sound, and to be what was replayed.
type Verification struct {
	Pages int64 `json:"pages"`
	Keys  int64 `json:"keys"`
	TTLs  int64 `json:"ttls"`
	Parts int64 `json:"parts"`
}

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	from := r.Base.File
	if from == "" {
		from = "the empty beginning"
	}
	var b strings.Builder
	did := "restored"
	if r.DryRun {
		did = "would restore"
	}
	fmt.Fprintf(&b, "%s %s as of LSN %d, %s\n", did, r.Source, r.LSN, history.Clock(r.Time.UnixMilli()))
	fmt.Fprintf(&b, "  from      %s, LSN %d", from, r.Base.LSN)
	if r.Records > 0 {
		fmt.Fprintf(&b, ", and the log from LSN %d to %d", r.From, r.LSN)
	}
	b.WriteString("\n")
	if r.DryRun {
		_, err := io.WriteString(w, b.String())
		return err
	}
	fmt.Fprintf(&b, "  holds     %s, %d with a TTL\n", plural.Count(r.Keys, "key"), r.TTLs)
	if r.Only != "" {
		fmt.Fprintf(&b, "  left out  %s that %s not match %q\n", plural.Count(r.Others, "key"), plural.Of(r.Others, "does", "do"), r.Only)
	}
	fmt.Fprintf(&b, "  verified  %s, %s, %s, %s of large values\n", plural.Count(r.Verified.Pages, "page"), plural.Count(r.Verified.Keys, "key"),
		plural.Count(r.Verified.TTLs, "TTL"), plural.Count(r.Verified.Parts, "part"))
	fmt.Fprintf(&b, "  data set  %s, a new one; no log yet\n", r.DataSet)
	fmt.Fprintf(&b, "  took      %s\n", time.Duration(r.Millis)*time.Millisecond)
	for _, damaged := range r.Damaged {
		fmt.Fprintf(&b, "  damaged   %s\n", damaged)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
