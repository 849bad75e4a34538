package config

import "log/slog"

// LevelVerbose is between debug and info: what a client did wrong, which is of interest while somebody looks for it.
const LevelVerbose = slog.Level(-2)

// Level is the least weight of what is logged by a value of loglevel.
func Level(name string) slog.Level {
	switch name {
	case "debug":
		return slog.LevelDebug
	case "verbose":
		return LevelVerbose
	case "warning":
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
