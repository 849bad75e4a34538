package integration

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// What every test starts, set by TestMain.
var (
	subject Program // holdfast, or its twin
	model   Program // the real redis-server
	twins   bool    // both are redis-server
)

func TestMain(m *testing.M) { os.Exit(prepareAndRun(m)) }

// prepareAndRun finds the real server, and holdfast or its twin.
func prepareAndRun(m *testing.M) int {
	redisPath, err := findRedis()
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	model = Redis(redisPath)
	if os.Getenv("INTEGRATION_TWIN") == "redis" {
		subject, twins = model, true
		subject.Name = "twin"
		return m.Run()
	}
	return WithBinary(func(path string) int {
		subject = Holdfast(path)
		return m.Run()
	})
}

// findRedis finds redis-server 7.0, and installs it where it is missing and can be. Nothing here is worth
// anything without it: not there is a failure, not a skip.
func findRedis() (string, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		install := exec.Command("apt-get", "install", "-y", "redis-server", "redis-tools")
		if out, err := install.CombinedOutput(); err != nil {
			return "", fmt.Errorf("redis-server is missing, and apt-get does not install it: %w\n%s", err, out)
		}
		if path, err = exec.LookPath("redis-server"); err != nil {
			return "", err
		}
	}
	version, err := exec.Command(path, "--version").Output()
	if err != nil {
		return "", err
	}
	if !bytes.Contains(version, []byte("v=7.0.")) {
		return "", fmt.Errorf("the replies to compare with are Redis 7.0's, and this is %s", version)
	}
	return path, nil
}

// start starts a server for the length of a test; what the subject wrote is
// shown if the test fails.
func start(t *testing.T, p Program, o Options) *Process {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	proc, err := Start(p, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		proc.Kill()
		if t.Failed() && p.Name == subject.Name {
			t.Logf("%s wrote:\n%s", p.Name, tail(proc.Output()))
		}
	})
	return proc
}

func tail(s string) string {
	const shownMax = 6000
	if len(s) > shownMax {
		return "…" + s[len(s)-shownMax:]
	}
	return s
}

// dial connects for the length of a test.
func dial(t *testing.T, addr string) *Conn {
	t.Helper()
	c, err := Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// must sends a command whose reply may not be an error, and returns the reply.
func must(t *testing.T, c *Conn, args ...string) Reply {
	t.Helper()
	reply, err := c.Must(args...)
	if err != nil {
		t.Fatalf("%.200q: %v", args, err)
	}
	return reply
}
