package fault

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"holdfast/lab/subject"
	"holdfast/lab/traffic"
	"holdfast/resp"
)

// childEnv makes this test binary a server: on a recording filesystem it has to be a process of its own.
const childEnv = "HOLDFAST_TEST_FAKE"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	if err := serve(os.Args[1], os.Args[2], os.Getenv(childEnv)); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// processes are options with the fake as a process.
func processes(t *testing.T, f fake, kinds ...Kind) Options {
	o := options(t, f, kinds...)
	defects, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	o.Starter = &subject.Process{Command: []string{os.Args[0], "{port}", "{dir}"}, Env: []string{childEnv + "=" + string(defects)}}
	return o
}

// serve is a fake's process.
func serve(port, dir, defects string) error {
	var f fake
	if err := json.Unmarshal([]byte(defects), &f); err != nil {
		return err
	}
	server, err := f.Start(context.Background(), filepath.Clean(dir))
	if err != nil {
		return err
	}
	ask := make(chan os.Signal, 1)
	signal.Notify(ask, syscall.SIGTERM)
	go func() {
		<-ask
		if err := server.(*fakeServer).Terminate(); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	for {
		socket, err := listener.Accept()
		if err != nil {
			return err
		}
		go converse(socket, server)
	}
}

// converse answers one connection, and ends the process with the server.
func converse(socket net.Conn, server subject.Server) {
	conn, _ := server.Dial()
	defer socket.Close()
	for in := resp.NewDecoder(socket); ; {
		request, err := in.Decode()
		if err != nil {
			return
		}
		var args [][]byte
		for _, e := range request.Elems {
			args = append(args, e.Str)
		}
		reply := resp.Reply{Kind: '+', Str: []byte("PONG")}
		if len(args) > 1 {
			if reply, err = conn.Do(args...); err != nil {
				fmt.Println(server.Output())
				os.Exit(1)
			}
		}
		if _, err := socket.Write(traffic.AppendReply(nil, reply)); err != nil {
			return
		}
	}
}
