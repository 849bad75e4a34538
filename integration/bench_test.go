package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// benchOn runs "holdfast bench" against a server.
func benchOn(t *testing.T, p *Process, more ...string) (code int, out, errs string) {
	t.Helper()
	_, port, err := net.SplitHostPort(p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	path, _ := subject.Args(Options{}, 0)
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(path, slices.Concat([]string{"bench", "--port", port, "--json"}, more)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = plainEnviron()
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// The load generator asks any server, exactly as often as it was told, and shows what the server did for it.
func TestBench(t *testing.T) {
	if twins {
		t.Skip("the generator is holdfast's")
	}
	for _, program := range []Program{subject, model} {
		t.Run(program.Name, func(t *testing.T) {
			server := start(t, program, Options{Fsync: "no"})
			for _, line := range []string{
				"--requests 3000 --keys 100 --pipeline 16 --workload get=1,set=1 --fill --value-size 1k",
				"--requests 1000 --keys 100 --workload ycsb-f --connections 10",
				"--requests 1000 --keys 100 --workload ycsb-e --rate 5000 --threads 2",
				"--requests 500 --connections 300 --workload lpush,incr --distribution sequential",
			} {
				var got struct {
					Operations, Requests, Misses, Errors uint64
					Latency                              struct {
						P50 float64 `json:"p50_us"`
						Max float64 `json:"max_us"`
					}
					Server struct {
						Anon int64 `json:"rss_anon_bytes"`
					}
				}
				code, out, errs := benchOn(t, server, strings.Fields(fmt.Sprint(line, " --pid ", server.cmd.Process.Pid))...)
				if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || errs != "" {
					t.Fatalf("%s: exit code %d, %v\n%s%s", line, code, err, out, errs)
				}
				wanted := strings.Fields(line)[1]
				if fmt.Sprint(got.Operations) != wanted || got.Requests < got.Operations || got.Errors != 0 || got.Misses != 0 ||
					got.Latency.P50 <= 0 || got.Latency.Max < got.Latency.P50 || got.Server.Anon <= 0 {
					t.Errorf("%s: %s", line, out)
				}
			}
			// Keys of the fill are there, under the names that it says.
			if reply := must(t, dial(t, server.Addr), "STRLEN", "key:000000000099"); reply.Text != "64" {
				t.Errorf("STRLEN: %+v", reply)
			}
			code, out, errs := benchOn(t, server, "--requests", "100", "--keys", "100", "LPUSH", "{key}", "x")
			if code != exitFailed || !strings.Contains(errs, "100 of 100: WRONGTYPE") || !strings.Contains(out, `"errors":100`) {
				t.Errorf("a wrong type: exit code %d\n%s%s", code, out, errs)
			}
		})
	}
}
