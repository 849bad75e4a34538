package frameworks

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"holdfast/integration"
)

// Packages of npm, in the versions of package-lock.json. They are installed into a directory of the test's.
func TestNode(t *testing.T) {
	t.Parallel()
	all(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("node")); err != nil {
		t.Fatal(err)
	}
	install, err := filepath.Abs("../../scripts/node-packages")
	if err != nil {
		t.Fatal(err)
	}
	installer := program{dir: dir, command: []string{install}, wait: 5 * time.Minute}
	installer.run(t, start(t, integration.Options{}).Addr)
	for _, name := range []string{"ioredis", "noderedis", "sessions", "sockets", "limits", "locks", "bullmq"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program{dir: dir, command: []string{"node", name + ".mjs"}, wait: 4 * time.Minute}.acrossACrash(t)
		})
	}
}
