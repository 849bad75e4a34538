package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/client"
	"holdfast/config"
	"holdfast/inspect"
	"holdfast/resp"
)

func isTerminal(w io.Writer) bool { return client.IsTerminal(w) }

// unquote reads a byte string from the command line. In double quotes, as redis-cli prints it, it may have any bytes:
// "bin\xff\n". Otherwise it is what it is.
func unquote(word string) ([]byte, error) {
	if !strings.HasPrefix(word, `"`) {
		return []byte(word), nil
	}
	words, err := resp.Parse([]byte(word+"\r\n"), nil)
	if err != nil || len(words) != 1 {
		return nil, usage(fmt.Errorf(`%s begins with a quote, and is not in redis-cli's quotes; give it as holdfast prints it, as "a\"b"`, word))
	}
	return words[0], nil
}

// bytesFlag is a flag whose value is a byte string; nil where it is not given.
func bytesFlag(ctx *cli.Context, name string) ([]byte, error) {
	if !ctx.IsSet(name) {
		return nil, nil
	}
	return unquote(ctx.String(name))
}

// sizeFlag is a flag that takes a number of bytes; 0 where it is not given.
func sizeFlag(ctx *cli.Context, name string) (int64, error) {
	if !ctx.IsSet(name) {
		return 0, nil
	}
	n, ok := config.Size(ctx.String(name))
	if !ok {
		return 0, usage(fmt.Errorf("--%s takes a number of bytes, as 1000, 1k or 1mb, not %q", name, ctx.String(name)))
	}
	return n, nil
}

// spanFlag is a flag that takes a span of time; 0 where it is not given. Digits alone are seconds, as in settings.
func spanFlag(ctx *cli.Context, name string) (time.Duration, error) {
	const day, daysMost = 24 * time.Hour, 100_000
	text := ctx.String(name)
	if !ctx.IsSet(name) {
		return 0, nil
	}
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, nil
	}
	if number, isDays := strings.CutSuffix(strings.ToLower(text), "d"); isDays {
		if days, err := strconv.ParseUint(number, 10, 32); err == nil && days <= daysMost {
			return time.Duration(days) * day, nil
		}
	}
	span, err := time.ParseDuration(text)
	if err != nil || span < 0 {
		return 0, usage(fmt.Errorf("--%s takes a time, as 90s, 24h or 7d, not %q", name, text))
	}
	return span, nil
}

func keysCommand() *cli.Command {
	return onSource(&cli.Command{
		Name: "keys", Usage: "list keys, one on a line, quoted as redis-cli does",
		Description: "Without --db the keys of every database are listed, each behind the number of its database and a tab.\n" +
			"What came after the snapshot is in the log; a key that has expired since is still in the snapshot. TTLs are counted\n" +
			"from the moment of the snapshot. A pattern or a prefix in double quotes is read as redis-cli reads it.\n\n" +
			examples("holdfast snapshot keys --dir data --prefix session: --ttl-max 1h --long", `holdfast snapshot keys --match '*:queue' --min-bytes 1000000 --json`),
		Flags: append(filterFlags(),
			toggle("long", "print type, encoding, elements, bytes and deadline too, in columns"),
			jsonFlag("an object a line")),
	}, 0, func(ctx *cli.Context, out io.Writer, s inspect.Source) (err error) {
		f, err := keyFilter(ctx, s.About().Time)
		if err != nil {
			return err
		}
		bar := newBar(ctx.App.ErrWriter)
		f.Progress = func(done, total int64) { bar.show("reading keys", done, total) }
		out, done := bar.beside(ctx, out)
		defer func() { err = done(err) }()
		if ctx.Bool("long") && !ctx.Bool("json") {
			if err := inspect.WriteLongTitles(out); err != nil {
				return err
			}
		}
		return inspect.Keys(s, f, func(k inspect.Key) error {
			switch {
			case ctx.Bool("json"):
				return inspect.WriteJSON(out, k)
			case ctx.Bool("long"):
				return k.WriteLong(out)
			}
			return k.WriteText(out, f.DB == inspect.AllDatabases)
		})
	})
}

// filterFlags select keys.
func filterFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "prefix", Usage: "only keys that begin with `PREFIX`, without reading the others"},
		&cli.StringFlag{Name: "match", Usage: "only keys that match `PATTERN`, as KEYS takes it"},
		dbFlag(),
		&cli.StringFlag{Name: "type", Usage: "only keys of `TYPE`"},
		&cli.StringFlag{Name: "min-bytes", DefaultText: "none", Usage: "only keys that take `NUMBER` bytes or more, with their values, as 1000, 1k or 1mb"},
		&cli.StringFlag{Name: "max-bytes", DefaultText: "none", Usage: "only keys that take `NUMBER` bytes or fewer"},
		&cli.StringFlag{Name: "ttl-min", DefaultText: "none", Usage: "only keys that expire after `TIME` or later, as 90s, 24h or 7d"},
		&cli.StringFlag{Name: "ttl-max", DefaultText: "none", Usage: "only keys that expire within `TIME`"},
		toggle("no-ttl", "only keys that never expire"),
		&cli.Int64Flag{Name: "limit", DefaultText: "none", Usage: "end after `NUMBER` keys"},
	}
}

// keyFilter reads the flags that select keys. TTLs count from now, unix ms.
func keyFilter(ctx *cli.Context, now int64) (f inspect.KeyFilter, err error) {
	f = inspect.KeyFilter{
		DB: ctx.Int("db"), Type: ctx.String("type"), Limit: ctx.Int64("limit"), NoTTL: ctx.Bool("no-ttl"),
	}
	if now == 0 {
		now = time.Now().UnixMilli()
	}
	var least, most time.Duration
	if f.BytesMin, err = sizeFlag(ctx, "min-bytes"); err != nil {
		return f, err
	}
	if f.BytesMax, err = sizeFlag(ctx, "max-bytes"); err != nil {
		return f, err
	}
	if least, err = spanFlag(ctx, "ttl-min"); err != nil {
		return f, err
	}
	if most, err = spanFlag(ctx, "ttl-max"); err != nil {
		return f, err
	}
	switch {
	case f.DB < inspect.AllDatabases || f.Limit < 0:
		return f, usage(errors.New("--db and --limit take no negative numbers"))
	case f.NoTTL && (ctx.IsSet("ttl-min") || ctx.IsSet("ttl-max")):
		return f, usage(errors.New("--no-ttl is for keys that never expire, --ttl-min and --ttl-max are for those that do: give one or the other"))
	}
	if err := inspect.CheckType(f.Type); err != nil {
		return f, usage(fmt.Errorf("--type: %w", err))
	}
	if ctx.IsSet("ttl-min") {
		f.DueFrom = now + least.Milliseconds()
	}
	if ctx.IsSet("ttl-max") {
		f.DueTo = now + most.Milliseconds()
	}
	if f.Prefix, err = bytesFlag(ctx, "prefix"); err == nil {
		f.Match, err = bytesFlag(ctx, "match")
	}
	return f, err
}
