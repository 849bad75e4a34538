package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Transcript is one file of testdata/transcripts.
type Transcript struct {
	Name    string   // the file's name
	Options []string // flags for both servers
	Steps   []Step
}

// Act is what a step does.
type Act int

// The acts of a step.
const (
	ActDo     Act = iota // send the command, read and compare the reply
	ActRead              // read and compare Count replies
	ActSend              // send the command only
	ActBlock             // send the command and wait until its client is blocked
	ActRaw               // send bytes
	ActSplit             // send bytes in every cut, Count replies each
	ActClose             // close the client's connection
	ActClosed            // the servers must have closed it
	ActSleep             // let Pause pass
	ActScan              // iterate until the cursor is 0
	ActOwn               // holdfast alone must reply Words
)

// Rule is how two replies are compared.
type Rule int

// The rules of comparison.
const (
	RuleExact Rule = iota
	RuleUnordered
	RulePairs
	RuleNear
	RuleShape
	RuleType
	RuleErrorCode
	RuleMask
	RuleHas
	RuleDiffers
)

// A Step is one line.
type Step struct {
	Line    int
	Text    string // the line as it stands
	Act     Act
	Rule    Rule
	Client  string
	Command string // the command's words, or the raw bytes' word, not yet expanded
	Count   int    // replies of ActRead and ActSplit
	Within  int64  // the tolerance of RuleNear
	Words   string // what a directive was given: fields, reason, reply
	Let     string // the name to keep the reply under
	Pause   time.Duration
}

// Args expands and splits the step's command.
func (s Step) Args(nowMs int64, lookup func(string) (string, bool)) ([]string, error) {
	line, err := Expand(s.Command, nowMs, lookup)
	if err != nil {
		return nil, err
	}
	return SplitWords(line)
}

// LoadTranscripts reads all transcripts of a directory.
func LoadTranscripts(dir string) ([]Transcript, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	var all []Transcript
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		t, err := ParseTranscript(filepath.Base(path), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// ParseTranscript parses a file's text. Errors name the line.
func ParseTranscript(name, text string) (Transcript, error) {
	t := Transcript{Name: name}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if flags, ok := strings.CutPrefix(line, "!options "); ok && len(t.Steps) == 0 {
			words, err := SplitWords(flags)
			if err != nil {
				return t, fmt.Errorf("%s:%d: %w", name, i+1, err)
			}
			t.Options = words
			continue
		}
		step, err := parseStep(line)
		if err != nil {
			return t, fmt.Errorf("%s:%d: %s: %w", name, i+1, line, err)
		}
		step.Line = i + 1
		t.Steps = append(t.Steps, step)
	}
	return t, nil
}

// defaultClient is who sends a command that names nobody.
const defaultClient = "main"

var clientPrefix = regexp.MustCompile(`^([a-z][a-z0-9]*)(>|<)(?:\s+|$)`)

func parseStep(line string) (Step, error) {
	step := Step{Text: line, Client: defaultClient}
	for strings.HasPrefix(line, "!") {
		word, rest, err := firstWord(line)
		if err != nil {
			return step, err
		}
		line, err = step.directive(word, strings.TrimLeft(rest, " \t"))
		if err != nil {
			return step, err
		}
		line = strings.TrimLeft(line, " \t")
	}
	if step.Act == ActSleep || step.Act == ActClose || step.Act == ActClosed {
		if line != "" {
			step.Client = line
		}
		return step, nil
	}
	if m := clientPrefix.FindStringSubmatch(line); m != nil {
		step.Client, line = m[1], line[len(m[0]):]
		if m[2] == "<" {
			return step.reading(line)
		}
	}
	step.Command = line
	if line == "" {
		return step, fmt.Errorf("no command")
	}
	return step, nil
}

// reading completes a step "client< [count]".
func (s Step) reading(count string) (Step, error) {
	s.Act, s.Count = ActRead, 1
	if count != "" {
		n, err := strconv.Atoi(count)
		if err != nil {
			return s, err
		}
		s.Count = n
	}
	return s, nil
}

// directive applies one !word; it takes its own words off the rest of the line.
func (s *Step) directive(name, rest string) (string, error) {
	plainRules := map[string]Rule{"!unordered": RuleUnordered, "!pairs": RulePairs, "!shape": RuleShape, "!type": RuleType, "!error-code": RuleErrorCode}
	wordRules := map[string]Rule{"!mask": RuleMask, "!has": RuleHas, "!differs": RuleDiffers}
	plainActs := map[string]Act{"!send": ActSend, "!block": ActBlock, "!raw": ActRaw, "!close": ActClose, "!closed": ActClosed, "!scan": ActScan}
	if rule, ok := plainRules[name]; ok {
		s.Rule = rule
		return rest, nil
	}
	if act, ok := plainActs[name]; ok {
		s.Act = act
		return rest, nil
	}
	if rest == "" {
		return "", fmt.Errorf("unknown directive %s, or without its argument", name)
	}
	word, rest, err := firstWord(rest)
	if err != nil {
		return "", err
	}
	if rule, ok := wordRules[name]; ok {
		s.Rule, s.Words = rule, word
		return rest, nil
	}
	switch name {
	case "!let":
		s.Let, s.Rule = word, RuleType
	case "!own":
		s.Act, s.Words = ActOwn, word
	case "!near":
		s.Rule = RuleNear
		s.Within, err = strconv.ParseInt(word, 10, 64)
	case "!split":
		s.Act = ActSplit
		s.Count, err = strconv.Atoi(word)
	case "!sleep":
		s.Act = ActSleep
		s.Pause, err = time.ParseDuration(word)
	default:
		err = fmt.Errorf("unknown directive %s", name)
	}
	return rest, err
}
