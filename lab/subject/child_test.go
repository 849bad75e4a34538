package subject

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Servers that behave badly are this test binary, told by the environment which of them to be.
const childVar = "HOLDFAST_SUBJECT_CHILD"

func TestMain(m *testing.M) {
	if name := os.Getenv(childVar); name != "" {
		work, ok := children()[name]
		if !ok {
			fmt.Fprintf(os.Stderr, "no child is called %q\n", name)
			os.Exit(2)
		}
		work(os.Args[1])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// bad is a Process with a server that behaves badly.
func bad(t testing.TB, name string) *Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &Process{Command: []string{self, "{port}", "{dir}"}, Env: []string{childVar + "=" + name}, StartMax: 5 * time.Second}
}

func children() map[string]func(port string) {
	return map[string]func(port string){
		"good":       func(port string) { answer(port, "+PONG\r\n") },
		"password":   func(port string) { answer(port, "-NOAUTH Authentication required.\r\n") },
		"loading":    doLoading,
		"mute":       func(port string) { answer(port) },
		"refuses":    doRefuse,
		"silent":     func(string) { time.Sleep(time.Hour) },
		"background": doBackground,
		"daemon":     func(port string) { answer(port, "+PONG\r\n") },
		"strays":     doStrays,
		"stubborn":   doStubborn,
		"family":     doFamily,
		"taken":      doTaken,
		"forgotten":  doForgotten,
	}
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// answer answers the n-th request of each connection with the n-th reply, and all after it with the last; none without.
func answer(port string, replies ...string) {
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	must(err)
	for {
		conn, err := l.Accept()
		must(err)
		go func() {
			in := bufio.NewScanner(conn)
			for in.Scan() {
				if !strings.EqualFold(in.Text(), "PING") || len(replies) == 0 {
					continue
				}
				fmt.Fprint(conn, replies[0])
			}
		}()
	}
}

func doLoading(port string) {
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	must(err)
	for i := 0; ; i++ {
		conn, err := l.Accept()
		must(err)
		if i < 20 {
			fmt.Fprint(conn, "-LOADING Redis is loading the dataset in memory\r\n")
		} else {
			fmt.Fprint(conn, "+PONG\r\n")
		}
	}
}

func doRefuse(string) {
	fmt.Println("FATAL the log is damaged at 4096")
	os.Exit(3)
}

// doBackground does what a daemon does: the one that serves is another, in a session of its own.
func doBackground(port string) {
	self, err := os.Executable()
	must(err)
	cmd := exec.Command(self, port)
	cmd.Env = append(os.Environ(), childVar+"=daemon")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	must(cmd.Start())
}

func doStrays(port string) {
	must(os.Mkdir("logs", 0o755))
	must(os.WriteFile("logs/server.log", []byte("hello"), 0o644))
	answer(port, "+PONG\r\n")
}

func doStubborn(port string) {
	signal.Ignore(syscall.SIGTERM)
	answer(port, "+PONG\r\n")
}

// doFamily has a child that outlives it, in the same group, and says its number.
func doFamily(port string) {
	cmd := exec.Command("sleep", "3600")
	must(cmd.Start())
	fmt.Println(cmd.Process.Pid)
	answer(port, "+PONG\r\n")
}

// doTaken finds its port taken the first two times.
func doTaken(port string) {
	if len(os.Args) > 2 {
		tries, err := os.ReadFile(os.Args[2] + "/tries")
		must(err)
		must(os.WriteFile(os.Args[2]+"/tries", append(tries, 'x'), 0o644))
		if len(tries) < 2 {
			fmt.Println("Could not create server TCP listening socket: bind: Address already in use")
			os.Exit(1)
		}
	}
	answer(port, "+PONG\r\n")
}

// doForgotten takes connections, answers nobody, and ends.
func doForgotten(port string) {
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	must(err)
	_, err = l.Accept()
	must(err)
	fmt.Println("giving up")
	os.Exit(1)
}
