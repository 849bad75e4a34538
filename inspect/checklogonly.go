package inspect

import (
	"fmt"

	"holdfast/commands"
	"holdfast/internal/vfs"
)

// CheckLog reads every record of the log in dir and checks it, and nothing else: a verdict for each segment, also for those
// behind damage. progress may be nil. It is safe beside a running server.
func CheckLog(fsys vfs.FS, dir string, progress Progress) (Report, error) {
	d, err := Open(fsys, dir)
	if err != nil {
		return Report{}, err
	}
	if _, err := d.list(); err != nil {
		return Report{}, err
	}
	c := checker{Directory: d, table: commands.NewTable(), progress: progress}
	c.checkLog(false)
	r := Report{Dir: d.logPath(), DataSet: c.dataSet(), Files: c.log}
	sound := "no records"
	if len(c.infos) > 0 && c.logEnd >= c.infos[0].First && !c.staged() {
		sound = fmt.Sprintf("LSN %d to %d", c.infos[0].First, c.logEnd)
	}
	r.conclude(sound)
	return r, nil
}
