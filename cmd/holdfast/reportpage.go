package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"holdfast/inspect"
)

func reportCommand() *cli.Command {
	return onSource(&cli.Command{
		Name: "report", Usage: "write a page for a browser: bytes by prefix, types, sizes, TTLs, biggest keys, growth",
		Description: "The page is one file, without a script, and asks for nothing from a network. With a data directory it shows growth over\n" +
			"the retained snapshots too.\n\n" +
			examples("holdfast snapshot report --dir data --html report.html", "holdfast snapshot report --name nightly --separators :/ --html - > nightly.html"),
		Flags: append(countFlags(), &cli.StringFlag{Name: "html", Usage: "write the page to `FILE`; - is the output"}),
	}, 0, func(ctx *cli.Context, out io.Writer, s inspect.Source) error {
		path := ctx.String("html")
		if path == "" {
			return usage(errors.New("report wants --html, a file to write the page to"))
		}
		page, err := makePage(ctx, s)
		if err != nil {
			return err
		}
		if path == "-" {
			return page.Write(out)
		}
		if err := writeWhole(path, page.Write); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "wrote %s\n", path)
		return err
	})
}

func makePage(ctx *cli.Context, s inspect.Source) (page inspect.Page, err error) {
	o, err := countOptions(ctx, s)
	if err != nil {
		return page, err
	}
	bar := newBar(ctx.App.ErrWriter)
	defer bar.end()
	o.Scope.Progress = func(done, total int64) { bar.show("counting", done, total) }
	page.About = s.About()
	if page.Stats, err = inspect.NewStats(s, o); err != nil || ctx.IsSet("file") || ctx.IsSet("rdb") {
		return page, err
	}
	d, err := directory(ctx)
	if err != nil {
		return page, err
	}
	open, err := openSnapshot(ctx)
	if err != nil {
		return page, err
	}
	page.Growth, err = d.Growth(open)
	return page, errors.Join(err, open.Close())
}

// writeInto writes to what is there.
func writeInto(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(buffered(f, write), f.Close())
}

func buffered(f *os.File, write func(io.Writer) error) error {
	b := bufio.NewWriter(f)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// writeWhole writes a file beside its path and then gives it its name, so that there is never half of one. A device or a
// pipe is written to, and behind a symbolic link is the file: neither may be replaced, least of all /dev/null.
func writeWhole(path string, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeInto(path, write)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	f, err := os.OpenFile(fmt.Sprintf("%s.%d.tmp", path, os.Getpid()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) // as the umask has it
	if err != nil {
		return err
	}
	err = buffered(f, write)
	if info, old := os.Stat(path); err == nil && old == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}
