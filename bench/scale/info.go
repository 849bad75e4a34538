package main

import (
	"fmt"
	"strconv"
	"strings"

	"holdfast/bench/rig"
)

// info is a section of INFO: field by name.
type info map[string]string

// askInfo asks for one section.
func askInfo(p *rig.Process, section string) (info, error) {
	reply, err := p.Ask("INFO", section)
	if err != nil {
		return nil, fmt.Errorf("INFO %s: %w", section, err)
	}
	return parseInfo(strings.Join(reply, "")), nil
}

// parseInfo reads lines "name:value"; others, such as "# Title", are no fields.
func parseInfo(text string) info {
	fields := info{}
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if found && !strings.HasPrefix(name, "#") {
			fields[name] = value
		}
	}
	return fields
}

// number is a field that must be there and be a whole number.
func (f info) number(name string) (int64, error) {
	value, found := f[name]
	if !found {
		return 0, fmt.Errorf("INFO has no field %s", name)
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("INFO says %s:%s", name, value)
	}
	return n, nil
}

// isBusy reports whether the server loads, hydrates, saves or rewrites. A field that a server does not have is 0.
func (f info) isBusy() bool {
	for _, name := range []string{"loading", "hydrating", "rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled"} {
		if value := f[name]; value != "" && value != "0" {
			return true
		}
	}
	return false
}
