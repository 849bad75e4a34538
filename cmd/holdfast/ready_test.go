package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestReady(t *testing.T) {
	t.Setenv("http_proxy", "http://127.0.0.1:1") // by which nothing comes
	status, word := http.StatusOK, "ok"
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if in.URL.Path != "/readyz" {
			status = http.StatusNotFound
		}
		out.WriteHeader(status)
		fmt.Fprintln(out, word)
	}))
	at := server.Listener.Addr().String()
	_, port, _ := strings.Cut(at, ":")
	ask := func(want int, says, variable string, args ...string) {
		t.Helper()
		t.Setenv("HOLDFAST_METRICS_ADDR", variable)
		app := newApp()
		var out bytes.Buffer
		app.Writer = &out
		code := 0
		var coder cli.ExitCoder
		if err := app.Run(append([]string{"holdfast", "ready"}, args...)); errors.As(err, &coder) {
			code = coder.ExitCode()
			out.WriteString(err.Error())
		}
		if code != want || !strings.Contains(out.String(), says) {
			t.Errorf("%s %q: exit code %d, %s", variable, args, code, out.String())
		}
	}
	ask(0, "ready", at)
	ask(0, "ready", "0.0.0.0:"+port) // as the image has it
	ask(0, "ready", ":1", "--metrics-addr", at)
	status, word = http.StatusServiceUnavailable, "loading"
	ask(1, "not ready: "+at+" says loading", at)
	server.Close()
	ask(1, "connection refused", at)
	ask(2, `see "holdfast ready --help"`, "")
	ask(2, `not "now"`, at, "now")
}
