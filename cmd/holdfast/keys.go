package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/client"
	"holdfast/inspect"
	"holdfast/resp"
)

func isTerminal(w io.Writer) bool { return client.IsTerminal(w) }

// unquote reads a byte string from the command line. In double quotes, as redis-cli prints it, it may have any bytes:
// "bin\xff\n". Otherwise it is what it is.
func unquote(word string) ([]byte, error) {
	if len(word) < 2 || word[0] != '"' || word[len(word)-1] != '"' {
		return []byte(word), nil
	}
	words, err := resp.Parse([]byte(word+"\r\n"), nil)
	if err != nil || len(words) != 1 {
		return nil, usage(fmt.Errorf("%s is not in redis-cli's quotes", word))
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
		&cli.Int64Flag{Name: "min-bytes", DefaultText: "none", Usage: "only keys that take `NUMBER` bytes or more, with their values"},
		&cli.Int64Flag{Name: "max-bytes", DefaultText: "none", Usage: "only keys that take `NUMBER` bytes or fewer"},
		&cli.DurationFlag{Name: "ttl-min", DefaultText: "none", Usage: "only keys that expire after `TIME` or later, as 90s or 24h"},
		&cli.DurationFlag{Name: "ttl-max", DefaultText: "none", Usage: "only keys that expire within `TIME`"},
		toggle("no-ttl", "only keys that never expire"),
		&cli.Int64Flag{Name: "limit", DefaultText: "none", Usage: "end after `NUMBER` keys"},
	}
}

// keyFilter reads the flags that select keys. TTLs count from now, unix ms.
func keyFilter(ctx *cli.Context, now int64) (f inspect.KeyFilter, err error) {
	f = inspect.KeyFilter{
		DB: ctx.Int("db"), Type: ctx.String("type"), Limit: ctx.Int64("limit"), NoTTL: ctx.Bool("no-ttl"),
		BytesMin: ctx.Int64("min-bytes"), BytesMax: ctx.Int64("max-bytes"),
	}
	if now == 0 {
		now = time.Now().UnixMilli()
	}
	least, most := ctx.Duration("ttl-min"), ctx.Duration("ttl-max")
	switch {
	case f.DB < inspect.AllDatabases || f.Limit < 0 || f.BytesMin < 0 || f.BytesMax < 0 || least < 0 || most < 0:
		return f, usage(errors.New("--db, --limit, --min-bytes, --max-bytes, --ttl-min and --ttl-max take no negative numbers"))
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
