package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/urfave/cli/v2"

	"holdfast/config"
)

// A configuration file that the environment names is one: INFO tells of it, and CONFIG REWRITE changes it. A flag counts more.
func TestTheConfigurationFileOfTheEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "holdfast.conf")
	if err := os.WriteFile(file, []byte("timeout 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.String("config", "", "")
	ctx := cli.NewContext(newApp(), flags, nil)
	for _, by := range []string{"environment", "flag"} {
		t.Setenv(configVariable, file)
		if by == "flag" {
			t.Setenv(configVariable, file+".no")
			if err := ctx.Set("config", file); err != nil {
				t.Fatal(err)
			}
		}
		cfg, err := settings(ctx)
		if err != nil || cfg.Int("timeout").Load() == 0 {
			t.Errorf("%s: the file was not read: %v", by, err)
		}
		if identity, _ := identify(ctx, config.New()); identity.ConfigFile != file {
			t.Errorf("%s: INFO tells of %q", by, identity.ConfigFile)
		}
		if path := configFile(ctx); path != file {
			t.Errorf("%s: CONFIG REWRITE is for %q", by, path)
		}
	}
}
