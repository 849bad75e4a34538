package integration

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// signed writes NAME.crt and NAME.key: a certificate for the loopback, signed by parent or, without one, by itself.
func signed(t *testing.T, dir, name string, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IsCA: parent == nil,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if parent == nil {
		parent, signer = cert, key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		name + ".crt": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// secureServer is holdfast with TLS: its TLS port, the directory of the certificates, and what signs them.
func secureServer(t *testing.T) (p *Process, port, dir string, renew func()) {
	t.Helper()
	dir = t.TempDir()
	ca, key := signed(t, dir, "ca", nil, nil)
	signed(t, dir, "server", ca, key)
	signed(t, dir, "client", ca, key)
	number, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	port = strconv.Itoa(number)
	p = start(t, subject, Options{Fsync: "no", Extra: []string{"--tls-port", port, "--tls-cert-file", filepath.Join(dir, "server.crt"),
		"--tls-key-file", filepath.Join(dir, "server.key"), "--tls-ca-cert-file", filepath.Join(dir, "ca.crt")}})
	return p, port, dir, func() { signed(t, dir, "server", ca, key) }
}

// ran runs a program and returns what it wrote, and whether it ended well.
func ran(t *testing.T, path string, args ...string) (string, bool) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = plainEnviron()
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), err == nil
}

// redis-cli, redis-benchmark and holdfast cli speak TLS with holdfast, and are refused where they should be.
func TestTLS(t *testing.T) {
	if twins {
		t.Skip("of holdfast's TLS")
	}
	p, port, dir, renew := secureServer(t)
	binary, _ := subject.Args(Options{}, 0)
	trust := []string{"--cacert", filepath.Join(dir, "ca.crt")}
	own := slices.Concat(trust, []string{"--cert", filepath.Join(dir, "client.crt"), "--key", filepath.Join(dir, "client.key")})
	at := []string{"-h", "127.0.0.1", "-p", port}
	run := func(program []string, more ...string) (string, bool) {
		return ran(t, program[0], slices.Concat(program[1:], more)...)
	}
	redisCLI, ours := append([]string{"redis-cli"}, at...), append([]string{binary, "cli"}, at...)
	for _, cli := range [][]string{append(redisCLI, "--tls"), append(ours, "--tls"), {binary, "cli", "-u", "rediss://127.0.0.1:" + port}} {
		if out, ok := run(cli, append(own, "SET", "a", "value")...); !ok || out != "OK\n" {
			t.Errorf("%s: SET: %s", cli[0], out)
		}
		if out, ok := run(cli, append(own, "GET", "a")...); !ok || out != "value\n" {
			t.Errorf("%s: GET: %s", cli[0], out)
		}
		if out, ok := run(cli, append(trust, "PING")...); ok && strings.Contains(out, "PONG") {
			t.Errorf("%s without a certificate: %s", cli[0], out)
		}
	}
	for want, args := range map[string][]string{
		"--cacert":               append(ours, "--tls", "PING"),
		"does not speak TLS":     {binary, "cli", "-p", p.Addr[strings.LastIndex(p.Addr, ":")+1:], "--tls", "PING"},
		"is for another name":    append(append(ours, "--tls", "--sni", "elsewhere"), append(own, "PING")...),
		"need --tls":             append(ours, append(own, "PING")...),
		"there is none in":       append(ours, "--tls", "--cacert", filepath.Join(dir, "client.key"), "PING"),
		"no such file":           append(ours, "--tls", "--cacert", filepath.Join(dir, "none"), "PING"),
		"a TLS port wants --tls": append(ours, "PING"), // plain words to the TLS port
	} {
		if out, ok := run(args); ok || !strings.Contains(out, want) || strings.Count(out, "\n") != 1 {
			t.Errorf("%q: got %q, want a line with %q", args, out, want)
		}
	}
	// Snapshots by name and imports go the same way, as any user.
	if out, ok := run(append(ours, "--tls"), append(own, "ACL", "SETUSER", "ops", "on", ">secret", "+@all", "~*")...); !ok {
		t.Errorf("ACL SETUSER: %s", out)
	}
	secure := slices.Concat([]string{"-u", "rediss://127.0.0.1:" + port, "--user", "ops", "-a", "secret"}, own)
	lines := filepath.Join(dir, "lines.json")
	if err := os.WriteFile(lines, []byte(`{"db":0,"key":"imported","type":"string","value":"x"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"create x", "drop x", "import " + lines} {
		if out, ok := run([]string{binary, "snapshot"}, append(strings.Fields(args), secure...)...); !ok {
			t.Errorf("snapshot %s: %s", args, out)
		}
	}
	if out, ok := run([]string{binary, "snapshot", "create", "x"}, append(secure, "-a", "wrong")...); ok || !strings.Contains(out, "WRONGPASS") {
		t.Errorf("with a wrong password: %s", out)
	}
	for _, pipeline := range []string{"1", "16"} {
		out, ok := run(append([]string{"redis-benchmark", "--tls", "-c", "50", "-n", "5000", "-P", pipeline, "-t", "set,get", "-q"}, at...), own...)
		if !ok || !strings.Contains(out, "SET: ") || !strings.Contains(out, "GET: ") || strings.Contains(out, "rror") {
			t.Errorf("redis-benchmark -P %s: %s", pipeline, out)
		}
	}
	if !strings.Contains(p.Stdout.String(), "127.0.0.1:"+port+" (TLS)") {
		t.Errorf("the start does not name the TLS port: %s", p.Stdout)
	}

	renew()
	hangUp := func(want string) {
		t.Helper()
		before := strings.Count(p.Stderr.String(), want)
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(startWaitMax); strings.Count(p.Stderr.String(), want) == before; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("SIGHUP: no further %q in %s", want, p.Stderr)
			}
		}
	}
	hangUp(`msg="TLS certificate"`)
	if err := os.WriteFile(filepath.Join(dir, "server.key"), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangUp("the old one stays in use")
	if out, ok := run(append(redisCLI, "--tls"), append(own, "GET", "a")...); !ok || out != "value\n" {
		t.Errorf("after a bad key: %s", out)
	}
}

// A start with a bad certificate fails with one line that names the file.
func TestTLSThatCannotStart(t *testing.T) {
	if twins {
		t.Skip("of holdfast's TLS")
	}
	p, err := Launch(subject, Options{Dir: t.TempDir(), Extra: []string{"--tls-port", "1", "--tls-cert-file", "/nonexistent/cert", "--tls-key-file", "/nonexistent/key"}})
	if err != nil {
		t.Fatal(err)
	}
	<-p.done
	if p.cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(p.Stderr.String(), "/nonexistent/cert") {
		t.Errorf("exit code %d: %s", p.cmd.ProcessState.ExitCode(), p.Stderr)
	}
}
