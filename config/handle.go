package config

import (
	"fmt"
	"slices"
)

// A Handle reads one setting. Resolve it once, where the program is put together; Load is one atomic load and
// may be called from any goroutine, at any rate.
type Handle[T any] struct {
	c *Config
	s *setting
}

// Load returns the value in force. A slice in it is shared and must not be changed.
func (h Handle[T]) Load() T { return h.s.value.Load().data.(T) }

// OnChange is Config.OnChange with the value in its own type.
func (h Handle[T]) OnChange(hook func(T) error) {
	h.c.hook(h.s, func(v value) error { return hook(v.data.(T)) })
}

// resolve panics where the name or the kind is wrong: both stand in our own code.
func resolve[T any](c *Config, name string, kinds ...Kind) Handle[T] {
	s := c.mustLookup(name)
	if !slices.Contains(kinds, s.Kind) {
		panic(fmt.Sprintf("BUG: config: %s does not hold a %T", name, *new(T)))
	}
	return Handle[T]{c, s}
}

// Bool resolves a setting that is yes or no.
func (c *Config) Bool(name string) Handle[bool] { return resolve[bool](c, name, KindBool) }

// Int resolves a number in the unit that the row's usage names, a time in seconds, or a file mode.
func (c *Config) Int(name string) Handle[int64] {
	return resolve[int64](c, name, KindInt, KindSeconds, KindOctal)
}

// Bytes resolves a memory size. A share of the memory, where the row allows one, is its negative: -5 for 5%.
func (c *Config) Bytes(name string) Handle[int64] {
	return resolve[int64](c, name, KindMemory, KindMemoryOrPercent)
}

// Number resolves a number or a memory size, for whoever need not know which of them it is.
func (c *Config) Number(name string) Handle[int64] {
	return resolve[int64](c, name, KindInt, KindMemory)
}

// String resolves a text or a choice; a choice is in the spelling of the table.
func (c *Config) String(name string) Handle[string] {
	return resolve[string](c, name, KindString, KindEnum)
}

// Words resolves a list of words, such as bind.
func (c *Config) Words(name string) Handle[[]string] { return resolve[[]string](c, name, KindWords) }

// Percentiles resolves latency-tracking-info-percentiles.
func (c *Config) Percentiles() Handle[[]float64] {
	return resolve[[]float64](c, "latency-tracking-info-percentiles", KindPercentiles)
}

// SaveRules resolves save.
func (c *Config) SaveRules() Handle[[]SaveRule] { return resolve[[]SaveRule](c, "save", KindSave) }

// OutputLimits resolves client-output-buffer-limit.
func (c *Config) OutputLimits() Handle[OutputLimits] {
	return resolve[OutputLimits](c, "client-output-buffer-limit", KindOutputLimits)
}

// Events resolves notify-keyspace-events.
func (c *Config) Events() Handle[Events] {
	return resolve[Events](c, "notify-keyspace-events", KindEvents)
}
