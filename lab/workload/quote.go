package workload

import (
	"errors"
	"strconv"
	"strings"
)

var errQuote = errors.New("a quote that is not closed, or something right behind it")

// split takes a line apart as redis-cli does: "…" with \n \r \t \b \a \" \\ and \x41, '…' with \', and bare words.
func split(line string) ([][]byte, error) {
	var args [][]byte
	for {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" {
			return args, nil
		}
		var word []byte
		var err error
		if quote := line[0]; quote == '"' || quote == '\'' {
			word, line, err = quotedWord(line[1:], quote)
		} else if end := strings.IndexAny(line, " \t\r"); end >= 0 {
			word, line = []byte(line[:end]), line[end:]
		} else {
			word, line = []byte(line), ""
		}
		if err != nil {
			return nil, err
		}
		args = append(args, word)
	}
}

func quotedWord(line string, quote byte) (word []byte, rest string, err error) {
	word = []byte{}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == quote:
			rest = line[i+1:]
			if rest != "" && !strings.ContainsAny(rest[:1], " \t\r") {
				return nil, "", errQuote
			}
			return word, rest, nil
		case c == '\\' && i+1 < len(line) && quote == '\'' && line[i+1] == '\'':
			i++
			word = append(word, '\'')
		case c == '\\' && i+1 < len(line) && quote == '"':
			b, used := unescape(line[i+1:])
			i += used
			word = append(word, b)
		default:
			word = append(word, c)
		}
	}
	return nil, "", errQuote
}

// unescape returns the byte that stands behind a backslash, and how many it was written with.
func unescape(text string) (byte, int) {
	if text[0] == 'x' && len(text) >= 3 {
		if n, err := strconv.ParseUint(text[1:3], 16, 8); err == nil {
			return byte(n), 3
		}
	}
	if i := strings.IndexByte("nrtba", text[0]); i >= 0 {
		return "\n\r\t\b\a"[i], 1
	}
	return text[0], 1
}

// keysIn guesses which arguments of a command are keys: the first, unless it is known better. KEYS * tells of any
// that this misses.
func keysIn(args [][]byte) []string {
	words := text(args)
	if len(words) < 2 {
		return nil
	}
	switch strings.ToUpper(words[0]) {
	case "DEL", "UNLINK", "EXISTS", "TOUCH", "MGET", "SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE", "PFMERGE":
		return words[1:]
	case "MSET", "MSETNX":
		var keys []string
		for i := 1; i < len(words); i += 2 {
			keys = append(keys, words[i])
		}
		return keys
	case "RENAME", "RENAMENX", "COPY", "LMOVE", "RPOPLPUSH", "SMOVE", "ZRANGESTORE", "BLMOVE", "BRPOPLPUSH", "GEOSEARCHSTORE":
		return words[1:min(3, len(words))]
	case "BITOP", "XGROUP", "OBJECT":
		return words[2:]
	case "ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE":
		return words[1:2]
	case "EVAL", "EVALSHA":
		if len(words) > 2 {
			n, err := strconv.Atoi(words[2])
			if err == nil && n >= 0 && 3+n <= len(words) {
				return words[3 : 3+n]
			}
		}
		return nil
	case "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "PING", "ECHO", "SELECT", "BGSAVE", "SAVE", "BGREWRITEAOF", "CONFIG",
		"INFO", "DBSIZE", "FLUSHALL", "FLUSHDB", "SCRIPT", "CLIENT", "DEBUG", "PUBLISH", "WAIT", "FUNCTION", "FCALL", "SWAPDB":
		return nil
	}
	return words[1:2]
}

// databasesIn are the databases that a command names.
func databasesIn(args [][]byte) (all []int) {
	var words []string
	switch name := strings.ToUpper(string(args[0])); {
	case name == "SELECT", name == "SWAPDB":
		words = text(args[1:])
	case name == "MOVE" && len(args) == 3:
		words = text(args[2:])
	case name == "COPY" && len(args) > 4:
		for i, arg := range args[3 : len(args)-1] {
			if strings.EqualFold(string(arg), "DB") {
				words = text(args[i+4 : i+5])
			}
		}
	}
	for _, word := range words {
		if n, err := strconv.Atoi(word); err == nil && n >= 0 {
			all = append(all, n)
		}
	}
	return all
}

func text(args [][]byte) []string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = string(arg)
	}
	return words
}
