package config

import (
	"fmt"
	"strconv"
	"strings"
)

// OutputLimits say, by class of client, when a client that reads too slowly is disconnected.
type OutputLimits struct {
	Normal, Replica, PubSub OutputLimit
}

// An OutputLimit holds for the replies that wait for one client. Zero means no limit.
type OutputLimit struct {
	Hard        int64 // bytes: more than this disconnects at once
	Soft        int64 // bytes: more than this disconnects after SoftSeconds without a pause
	SoftSeconds int64
}

// class finds a limit by the name of its class; slave is Redis's older name for replica.
func (l *OutputLimits) class(name string) *OutputLimit {
	switch strings.ToLower(name) {
	case "normal":
		return &l.Normal
	case "replica", "slave":
		return &l.Replica
	case "pubsub":
		return &l.PubSub
	}
	return nil
}

// String prints the limits as CONFIG GET of Redis 7.0 does, with its older word for replicas.
func (l OutputLimits) String() string {
	return fmt.Sprintf("normal %v slave %v pubsub %v", l.Normal, l.Replica, l.PubSub)
}

func (l OutputLimit) String() string {
	return fmt.Sprintf("%d %d %d", l.Hard, l.Soft, l.SoftSeconds)
}

// parseOutputLimits reads groups of class, hard limit, soft limit and soft seconds. Classes that are not named keep what they
// have in old.
func parseOutputLimits(text string, old *value) (value, string) {
	var limits OutputLimits
	if old != nil {
		limits = old.data.(OutputLimits)
	}
	if text == "" {
		return value{limits.String(), limits}, ""
	}
	words := strings.Split(text, " ")
	if len(words)%4 != 0 {
		return value{}, "Wrong number of arguments in buffer limit configuration."
	}
	for ; len(words) > 0; words = words[4:] {
		limit := limits.class(words[0])
		if limit == nil {
			return value{}, "Invalid client class specified in buffer limit configuration."
		}
		hard, bigHard, okHard := parseSize(words[1])
		soft, bigSoft, okSoft := parseSize(words[2])
		seconds, err := strconv.ParseInt(words[3], 10, 64)
		if !okHard || !okSoft || bigHard || bigSoft || err != nil || seconds < 0 {
			return value{}, "Error in hard, soft or soft_seconds setting in buffer limit configuration."
		}
		*limit = OutputLimit{hard, soft, seconds}
	}
	return value{limits.String(), limits}, ""
}
