package config

import (
	"fmt"
	"strings"
)

// Reference returns the table in Markdown, for docs: what has an effect, and then what is accepted only so that files
// and tools made for Redis work.
func Reference() string {
	live := "| directive | default | accepts | changes | meaning |\n| --- | --- | --- | --- | --- |\n"
	compatible := "| directive | default | accepts | meaning in Redis |\n| --- | --- | --- | --- |\n"
	for _, row := range Directives() {
		name := "`" + strings.Join(row.Names(), "`, `") + "`"
		standard := "`" + quoteWord(row.Default) + "`"
		accepts := strings.ReplaceAll(row.Accepts(), "|", `\|`)
		if row.Inert || row.Fixed {
			compatible += fmt.Sprintf("| %s | %s | %s | %s |\n", name, standard, accepts, row.Usage)
			continue
		}
		live += fmt.Sprintf("| %s | %s | %s | %s | %s |\n", name, standard, accepts, row.Change, row.Usage)
	}
	return live + "\n" + compatible
}

// String says when in the words of the documentation.
func (c Change) String() string {
	if c == AtRunTime {
		return "at run time"
	}
	return "at the start"
}
