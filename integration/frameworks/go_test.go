package frameworks

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"holdfast/integration"
)

// go-redis, as applications use it.
func TestGoRedis(t *testing.T) {
	t.Parallel()
	program{dir: "go", command: []string{"go", "test", "-vet=off", "-count=1", "."}}.run(t, start(t, integration.Options{}).Addr)
}

// asynq's own tests, which take four minutes.
func TestAsynqItself(t *testing.T) {
	all(t)
	t.Parallel()
	find := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/hibiken/asynq")
	find.Dir = "go"
	download := exec.Command("go", "mod", "download", "github.com/hibiken/asynq")
	download.Dir = "go"
	if out, err := download.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	dir, err := find.Output()
	if err != nil {
		t.Fatal(err)
	}
	addr := start(t, integration.Options{Fsync: "everysec"}).Addr
	for _, p := range []string{"./internal/rdb", "."} {
		program{
			dir: strings.TrimSpace(string(dir)), wait: 8 * time.Minute,
			command: []string{"go", "test", "-vet=off", "-count=1", p, "-redis_addr=" + addr},
		}.run(t, addr)
	}
}

// Workers of asynq go on after a crash of the server in the middle.
func TestAsynqAcrossACrash(t *testing.T) {
	t.Parallel()
	all(t)
	program{dir: "go", command: []string{"go", "run", "./fleet"}}.acrossACrash(t)
}
