package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A value is what a setting holds. It never changes.
type value struct {
	text string // as CONFIG GET prints it
	data any    // bool, int64, string, []string, []float64, []SaveRule, OutputLimits or Events, by kind
}

// parse reads a value by the rules of the row. old is the value so far, into which client-output-buffer-limit
// merges; nil for the default. The error names d; its reason is Redis's.
func (d *Directive) parse(text string, old *value) (value, *Error) {
	v, reason := d.parseKind(text, old)
	if reason != "" && !d.Fixed {
		return value{}, d.invalid(d.Name, text, reason)
	}
	if reason == "" && d.check != nil {
		reason = d.check(v.text)
	}
	if reason == "" && d.Fixed && v.text != d.Default {
		reason = "only " + quoteWord(d.Default) + " is supported"
	}
	if reason != "" {
		e := d.invalid(d.Name, text, reason)
		e.What = reason // the kind of value, which the advice tells of, is right
		if !d.Fixed {
			e.Advice = ""
		}
		return value{}, e
	}
	return v, nil
}

// invalid is the error of a text that is no value of d's kind; the advice says what is.
func (d *Directive) invalid(name, text, reason string) *Error {
	advice := "give " + d.Accepts()
	if d.Fixed {
		advice = "remove it, or give " + quoteWord(d.Default)
	}
	return &Error{Name: name, Value: text, Reason: reason, Advice: advice, Err: ErrInvalid}
}

func (d *Directive) parseKind(text string, old *value) (v value, reason string) {
	switch d.Kind {
	case KindBool:
		return parseBool(text)
	case KindInt:
		return d.parseInt(text)
	case KindSeconds:
		return d.parseSeconds(text)
	case KindOctal:
		return d.parseOctal(text)
	case KindMemory:
		return d.parseMemory(text)
	case KindMemoryOrPercent:
		return d.parseShare(text)
	case KindEnum:
		return d.parseEnum(text)
	case KindWords:
		return d.parseWords(text)
	case KindSave:
		return parseSave(text)
	case KindOutputLimits:
		return parseOutputLimits(text, old)
	case KindEvents:
		return parseEvents(text)
	case KindPercentiles:
		return parsePercentiles(text)
	case KindString:
		return value{text, text}, ""
	}
	panic(fmt.Sprintf("BUG: config: %s has kind %d, which has no values", d.Name, d.Kind))
}

func parseBool(text string) (value, string) {
	switch strings.ToLower(text) {
	case "yes":
		return value{"yes", true}, ""
	case "no":
		return value{"no", false}, ""
	}
	return value{}, "argument must be 'yes' or 'no'"
}

// parseInt takes numbers as Redis does: no plus sign, no leading zero, no blanks.
func (d *Directive) parseInt(text string) (value, string) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text {
		return value{}, "argument couldn't be parsed into an integer"
	}
	if n < d.Min || n > d.Max {
		return value{}, between(d.Min, d.Max)
	}
	if d.clamp != [2]int64{} {
		n = min(max(n, d.clamp[0]), d.clamp[1])
	}
	return value{strconv.FormatInt(n, 10), n}, ""
}

func between(low, high int64) string {
	return fmt.Sprintf("argument must be between %d and %d inclusive", low, high)
}

func (d *Directive) parseOctal(text string) (value, string) {
	n, err := strconv.ParseInt(text, 8, 64)
	if err != nil {
		return value{}, "argument couldn't be parsed as an octal number"
	}
	if n < d.Min || n > d.Max {
		return value{}, fmt.Sprintf("argument must be between %o and %o inclusive", d.Min, d.Max)
	}
	return value{strconv.FormatInt(n, 8), n}, ""
}

func (d *Directive) parseEnum(text string) (value, string) {
	for _, choice := range d.Choices {
		if strings.EqualFold(choice, text) {
			return value{choice, choice}, ""
		}
	}
	return value{}, d.oneOf()
}

func (d *Directive) oneOf() string {
	return "argument(s) must be one of the following: " + strings.Join(d.Choices, ", ")
}

// parseWords takes any words, or, where the row has choices, a set of them; the first choice then means none of the
// others, and the set is printed in the order of the choices.
func (d *Directive) parseWords(text string) (value, string) {
	words := strings.Fields(text)
	if len(d.Choices) == 0 {
		return value{strings.Join(words, " "), words}, ""
	}
	chosen := make([]bool, len(d.Choices))
	for _, word := range words {
		i := slices.IndexFunc(d.Choices, func(choice string) bool { return strings.EqualFold(choice, word) })
		if i < 0 {
			return value{}, d.oneOf()
		}
		chosen[i] = true
	}
	if len(words) == 0 {
		return value{}, d.oneOf()
	}
	words = nil
	for i, choice := range d.Choices {
		if i > 0 && chosen[i] {
			words = append(words, choice)
		}
	}
	if len(words) == 0 {
		words = d.Choices[:1]
	}
	return value{strings.Join(words, " "), words}, ""
}

func parsePercentiles(text string) (value, string) {
	var numbers []float64
	var printed []string
	for _, word := range strings.Fields(text) {
		p, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return value{}, "Invalid latency-tracking-info-percentiles parameters"
		}
		if !(p >= 0 && p <= 100) { // NaN is neither
			return value{}, "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
		}
		numbers = append(numbers, p)
		printed = append(printed, strconv.FormatFloat(p, 'f', -1, 64))
	}
	return value{strings.Join(printed, " "), numbers}, ""
}
