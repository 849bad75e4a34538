package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/config"
	"holdfast/resp"
)

// secureSide is what a test has in hand of a server's TLS.
type secureSide struct {
	addr, dir string
	authority *authority
	client    *tls.Config // of clients: trusts the authority, shows a certificate
}

// authority signs certificates.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.issue("authority")
	return a
}

// issue makes a certificate for the loopback, signed by the authority, or by itself if that is still to be.
func (a *authority) issue(name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: a.cert == nil,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// write makes a certificate and puts it and its key into NAME.crt and NAME.key.
func (a *authority) write(dir, name string) {
	a.t.Helper()
	cert, key := a.issue(name)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		name + ".crt": {Type: "CERTIFICATE", Bytes: cert.Raw}, name + ".key": {Type: "EC PRIVATE KEY", Bytes: der},
		"ca.crt": {Type: "CERTIFICATE", Bytes: a.cert.Raw},
	} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
}

// startTLS runs a server whose clients speak TLS.
func startTLS(t testing.TB, directives ...string) *rig {
	t.Helper()
	side := &secureSide{dir: t.TempDir(), authority: newAuthority(t), addr: freeAddress(t, "127.0.0.1")}
	side.authority.write(side.dir, "server")
	pair := tls.Certificate{}
	cert, key := side.authority.issue("client")
	pair.Certificate, pair.PrivateKey = [][]byte{cert.Raw}, key
	roots := x509.NewCertPool()
	roots.AddCert(side.authority.cert)
	side.client = &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}
	_, port, _ := net.SplitHostPort(side.addr)
	r := start(t, append([]string{"tls-port", port, "tls-cert-file", side.file("server.crt"), "tls-key-file", side.file("server.key"),
		"tls-ca-cert-file", side.file("ca.crt")}, directives...)...)
	r.secure = side
	return r
}

func (s *secureSide) file(name string) string { return filepath.Join(s.dir, name) }

// dialTLS connects, with other settings than usual if such are given.
func (r *rig) dialTLS(settings *tls.Config) *peer {
	r.t.Helper()
	p, err := r.tryTLS(settings)
	if err != nil {
		r.t.Fatal("handshake:", err)
	}
	return p
}

func (r *rig) tryTLS(settings *tls.Config) (*peer, error) {
	r.t.Helper()
	if settings == nil {
		settings = r.secure.client
	}
	settings = settings.Clone()
	settings.ServerName = "127.0.0.1"
	plain := r.dialTo("tcp", r.secure.addr)
	conn := tls.Client(plain.Conn, settings)
	plain.deadline(patience)
	p := &peer{r.t, conn, resp.NewDecoder(conn)}
	return p, conn.Handshake()
}

func TestTLS(t *testing.T) {
	r := startTLS(t)
	for name, settings := range map[string]func(*tls.Config){
		"1.3": func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 },
		"1.2": func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
	} {
		t.Run(name, func(t *testing.T) {
			c := r.secure.client.Clone()
			settings(c)
			p := r.dialTLS(c)
			p.expect("+OK", "SET", "a", "1")
			p.expect("$1", "GET", "a")
			big := strings.Repeat("v", 5<<20)
			p.expect("+OK", "SET", "big", big)
			p.expect("$"+big, "GET", "big")
			go func() { _, _ = p.Write([]byte(strings.Repeat(request("INCR", "n"+name), 20_000))) }()
			for range 19_999 {
				p.read()
			}
			p.wants(":20000")
			if info := p.do("CLIENT", "INFO"); !strings.Contains(info, " addr="+p.LocalAddr().String()+" laddr="+r.secure.addr+" ") {
				t.Error(info)
			}
			p.expect("+OK", "QUIT")
			p.deadline(patience)
			if _, err := p.Read(make([]byte, 1)); !errors.Is(err, io.EOF) { // and not one that is unexpected
				t.Error("the end was not said:", err)
			}
		})
	}
	plain := r.dialTo("tcp", r.addr)
	plain.expect("$1", "GET", "a") // both at once
}

// crumbs sends every byte by itself.
type crumbs struct{ net.Conn }

func (c crumbs) Write(b []byte) (int, error) {
	for i := range b {
		if _, err := c.Conn.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// Records that come in pieces are put together, in the handshake and behind it.
func TestRecordsInPieces(t *testing.T) {
	r := startTLS(t)
	settings := r.secure.client.Clone()
	settings.ServerName = "127.0.0.1"
	conn := tls.Client(crumbs{r.dialTo("tcp", r.secure.addr).Conn}, settings)
	p := &peer{t, conn, resp.NewDecoder(conn)}
	value := strings.Repeat("v", 1000)
	p.expect("+OK", "SET", "a", value)
	p.raw(request("GET", "a") + request("PING"))
	p.wants("$"+value, "+PONG")
}

func TestTLSSessionsAreSessions(t *testing.T) {
	r := startTLS(t, "loops", "2")
	admin := r.dial()
	t.Run("a blocked one is woken", func(t *testing.T) {
		p := r.dial()
		p.send("BLPOP", "list", "0")
		r.blocked(1)
		admin.expect(":1", "RPUSH", "list", "x")
		p.wants("[$list $x]")
	})
	t.Run("one hears what is published, and of a changed key", func(t *testing.T) {
		p := r.dial()
		p.send("HELLO", "3")
		p.read()
		p.expect("[$subscribe $news :1]", "SUBSCRIBE", "news")
		admin.expect(":1", "PUBLISH", "news", "hello")
		p.wants("[$message $news $hello]")
		p.expect("+OK", "CLIENT", "TRACKING", "ON")
		p.expect("_", "GET", "cached")
		admin.expect("+OK", "SET", "cached", "1")
		p.wants("[$invalidate [$cached]]")
	})
	t.Run("one is killed", func(t *testing.T) {
		p := r.dial()
		admin.expect(":1", "CLIENT", "KILL", "ID", p.id())
		p.ended()
	})
	t.Run("one is idle", func(t *testing.T) {
		p := r.dial()
		p.expect("+PONG", "PING")
		admin.expect("+OK", "CONFIG", "SET", "timeout", "100")
		r.ahead.Add(101_000)
		p.ended()
		r.dial().expect("+OK", "CONFIG", "SET", "timeout", "0")
	})
	t.Run("one closes and leaves", func(t *testing.T) {
		p := r.dial()
		p.raw(request("SET", "last", "word"))
		p.Close()
		reader := r.dial()
		r.until("its word", func() bool { return reader.do("GET", "last") == "$word" })
	})
	t.Run("one closes and leaves, in TLS 1.2", func(t *testing.T) {
		old := r.secure.client.Clone()
		old.MaxVersion = tls.VersionTLS12
		p := r.dialTLS(old)
		p.raw(request("SET", "last", "again"))
		p.Close()
		reader := r.dial()
		r.until("its word", func() bool { return reader.do("GET", "last") == "$again" })
	})
	t.Run("one closes its half", func(t *testing.T) {
		p := r.dial()
		p.raw(request("GET", "last"))
		if err := p.Conn.(*tls.Conn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		p.wants("$again")
		p.ended()
	})
}

// Group commit, mailboxes and order with fifty clients by TLS.
func TestManyTLSClientsAtOnce(t *testing.T) {
	crowd(t, startTLS(t, "loops", "2", "appendfsync", "always"))
}

func TestTLSClientThatNeverReads(t *testing.T) {
	r := startTLS(t, "client-output-buffer-limit", "normal 8mb 0 0")
	other := r.dial()
	other.expect("+OK", "SET", "big", strings.Repeat("v", 100<<10))
	p := r.dial()
	p.flood(strings.Repeat(request("GET", "big"), 10_000))
	r.until("the client cut off", func() bool { return r.figure("connected") == 1 })
	if n := r.figure("outHits"); n != 1 {
		t.Error(n, "clients cut off, want 1")
	}
	other.expect("+PONG", "PING")
}

// Who does not go on with the handshake is dropped after a time, and holds up nobody until then, nor the end.
func TestStalledHandshake(t *testing.T) {
	r := startTLS(t)
	silent, begun := r.dialTo("tcp", r.secure.addr), r.dialTo("tcp", r.secure.addr)
	begun.raw("\x16\x03\x01\x02\x00") // that a record of 512 bytes follows
	other := r.dial()
	other.expect("+PONG", "PING")
	r.until("three clients", func() bool { return r.figure("connected") == 3 })
	r.ahead.Add(handshakeMillis + 1000)
	silent.ended()
	begun.ended()
	other.expect("+PONG", "PING")
	r.dialTo("tcp", r.secure.addr).raw("\x16\x03\x01\x02\x00") // is there when the server ends
	r.until("two clients", func() bool { return r.figure("connected") == 2 })
}

func TestNoTLS(t *testing.T) {
	r := startTLS(t)
	for _, text := range []string{request("PING"), "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x00\x05hello", "\x17\x03\x03\x00\x01x", "\x80\x2e"} {
		p := r.dialTo("tcp", r.secure.addr)
		p.raw(text)
		p.Conn.(*net.TCPConn).CloseWrite()
		p.ended()
	}
	r.dial().expect("+PONG", "PING")
}

// A record that has been tampered with ends the connection; what came before has run.
func TestTamperedRecord(t *testing.T) {
	r := startTLS(t)
	raw := r.dialTo("tcp", r.secure.addr)
	settings := r.secure.client.Clone()
	settings.ServerName = "127.0.0.1"
	conn := tls.Client(raw.Conn, settings)
	p := &peer{t, conn, resp.NewDecoder(conn)}
	p.expect("+OK", "SET", "a", "1")
	raw.raw("\x17\x03\x03\x00\x20" + strings.Repeat("x", 32))
	p.ended()
	r.dial().expect("$1", "GET", "a")
}

func TestClientCertificates(t *testing.T) {
	r := startTLS(t)
	none := r.secure.client.Clone()
	none.Certificates = nil
	foreign := none.Clone()
	cert, key := newAuthority(t).issue("foreign")
	foreign.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}, nil
	}
	for _, c := range []struct {
		auth             string
		none, own, other bool
	}{{"yes", false, true, false}, {"optional", true, true, false}, {"no", true, true, true}} {
		r.set("tls-auth-clients", c.auth)
		for name, client := range map[string]struct {
			settings *tls.Config
			served   bool
		}{"none": {none, c.none}, "own": {r.secure.client, c.own}, "foreign": {foreign, c.other}} {
			p, err := r.tryTLS(client.settings)
			if err == nil { // in TLS 1.3 the client hears of a refusal later
				p.deadline(patience)
				if _, err = p.Write([]byte(request("PING"))); err == nil {
					_, err = p.in.Decode()
				}
			}
			if (err == nil) != client.served {
				t.Errorf("tls-auth-clients %s, certificate: %s: %v", c.auth, name, err)
			}
		}
	}
}

func TestProtectedModeWithTLS(t *testing.T) {
	host := outside(t)
	if host == "" {
		t.Log("this machine has no address but the loopback's")
		return
	}
	r := startTLS(t, "bind", "127.0.0.1 "+host)
	_, port, _ := net.SplitHostPort(r.secure.addr)
	conn := tls.Client(r.dialTo("tcp", net.JoinHostPort(host, port)).Conn, &tls.Config{
		RootCAs: r.secure.client.RootCAs, Certificates: r.secure.client.Certificates, ServerName: "127.0.0.1"})
	p := &peer{t, conn, resp.NewDecoder(conn)}
	p.wants("-" + resp.ErrDenied)
	p.ended()
}

// served is the serial number of the certificate that a new connection sees.
func (r *rig) served() string {
	r.t.Helper()
	p := r.dialTLS(nil)
	defer p.Close()
	return p.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestCertificateReload(t *testing.T) {
	r := startTLS(t)
	old := r.dial()
	first := r.served()
	renewed := func(how string) {
		t.Helper()
		if now := r.served(); now == first {
			t.Errorf("%s: still the old certificate", how)
		} else {
			first = now
		}
		old.expect("+PONG", "PING") // connections outlive it
	}
	kept := func(how string) {
		t.Helper()
		if r.served() != first {
			t.Errorf("%s: the certificate has changed", how)
		}
	}
	r.secure.authority.write(r.secure.dir, "server")
	kept("new files")
	if err := r.server.ReloadTLS(); err != nil {
		t.Fatal(err)
	}
	renewed("SIGHUP")
	r.secure.authority.write(r.secure.dir, "server")
	r.set("tls-cert-file", r.secure.file("server.crt")) // the same name
	renewed("CONFIG SET of the same name")
	r.secure.authority.write(r.secure.dir, "other")
	old.expect("+OK", "CONFIG", "SET", "tls-cert-file", r.secure.file("other.crt"), "tls-key-file", r.secure.file("other.key"))
	renewed("CONFIG SET of both")

	if err := os.WriteFile(r.secure.file("bad.crt"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, pairs := range [][]string{
		{"tls-cert-file", r.secure.file("server.crt")}, // without its key
		{"tls-cert-file", r.secure.file("bad.crt")},
		{"tls-cert-file", r.secure.file("none.crt")},
		{"tls-cert-file", ""},
		{"tls-ca-cert-file", r.secure.file("bad.crt")},
		{"tls-ca-cert-file", ""},
		{"tls-ca-cert-dir", r.secure.file("none")},
		{"tls-ciphers", "HIGH:!aNULL"},
		{"tls-protocols", "TLSv1.1"},
	} {
		before := old.do("CONFIG", "GET", pairs[0])
		if reply := old.do(append([]string{"CONFIG", "SET"}, pairs...)...); !strings.HasPrefix(reply, "-ERR CONFIG SET failed (possibly related to argument '"+pairs[0]+"') - ") {
			t.Errorf("%q: %s", pairs, reply)
		}
		old.expect(before, "CONFIG", "GET", pairs[0])
		kept(pairs[0])
	}
	if err := os.WriteFile(r.secure.file("other.crt"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.server.ReloadTLS(); !errors.Is(err, ErrTLS) || !strings.Contains(err.Error(), "other.crt") {
		t.Error("a bad file at SIGHUP:", err)
	}
	kept("a bad file")
}

func TestProtocolsAndCiphers(t *testing.T) {
	r := startTLS(t)
	state := func(change func(*tls.Config)) (tls.ConnectionState, error) {
		c := r.secure.client.Clone()
		change(c)
		p, err := r.tryTLS(c)
		return p.Conn.(*tls.Conn).ConnectionState(), err
	}
	old := func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }
	r.set("tls-ciphers", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305")
	if s, err := state(old); err != nil || s.CipherSuite != tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 {
		t.Errorf("%s, %v", tls.CipherSuiteName(s.CipherSuite), err)
	}
	r.set("tls-protocols", "TLSv1.2")
	if s, err := state(func(*tls.Config) {}); err != nil || s.Version != tls.VersionTLS12 {
		t.Errorf("%s, %v", tls.VersionName(s.Version), err)
	}
	r.set("tls-protocols", "tlsv1.3")
	if _, err := state(old); err == nil {
		t.Error("TLS 1.2 was taken")
	}
	if s, err := state(func(*tls.Config) {}); err != nil || s.Version != tls.VersionTLS13 {
		t.Errorf("%s, %v", tls.VersionName(s.Version), err)
	}
}

func TestOpenSSLNames(t *testing.T) {
	var got []string
	for _, suite := range tls.CipherSuites() {
		if name, ok := opensslName(suite.Name); ok {
			got = append(got, name)
		}
	}
	for _, want := range []string{"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-AES128-SHA"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in %q", want, got)
		}
	}
}

// Sessions are resumed by tickets, unless tls-session-caching says no.
func TestResumption(t *testing.T) {
	r := startTLS(t)
	for value, want := range map[string]bool{"yes": true, "no": false} {
		r.set("tls-session-caching", value)
		settings := r.secure.client.Clone()
		settings.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		r.dialTLS(settings).expect("+PONG", "PING") // the ticket comes before the reply
		if got := r.dialTLS(settings).Conn.(*tls.Conn).ConnectionState().DidResume; got != want {
			t.Errorf("tls-session-caching %s: resumed is %v", value, got)
		}
	}
}

func TestTLSThatCannotStart(t *testing.T) {
	r := start(t)
	_, port, _ := net.SplitHostPort(freeAddress(t, "127.0.0.1"))
	for what, directives := range map[string][]string{
		"tls-cert-file is not set": nil,
		"no such file":             {"tls-cert-file", "/nonexistent/a.crt", "tls-key-file", "/nonexistent/a.key"},
		"by port and by tls-port":  {"port", port},
		"openssl pkey -in":         nil, // the key has a password
	} {
		cfg := config.New()
		if directives == nil && what != "tls-cert-file is not set" {
			dir := t.TempDir()
			newAuthority(t).write(dir, "a")
			locked := filepath.Join(dir, "locked.key")
			if err := os.WriteFile(locked, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			directives = []string{"tls-cert-file", filepath.Join(dir, "a.crt"), "tls-key-file", locked}
		}
		if what == "by port and by tls-port" {
			side := &secureSide{dir: t.TempDir(), authority: newAuthority(t)}
			side.authority.write(side.dir, "a")
			directives = append(directives, "tls-cert-file", side.file("a.crt"), "tls-key-file", side.file("a.key"), "tls-auth-clients", "no")
		}
		directives = append(directives, "tls-port", port)
		for i := 0; i < len(directives); i += 2 {
			if err := cfg.Set(config.Flag, directives[i], directives[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		err := New(Options{Engine: r.engine, Config: cfg, Log: r.server.o.Log, Clock: r.server.o.Clock}).Run()
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want %s", err, what)
		}
	}
	r.engine.World().Clients = r.server
}

// What comes before the end of a handshake is bounded.
func TestHandshakeBytes(t *testing.T) {
	r := startTLS(t)
	s := &session{srv: r.server, conn: &wire{}, loop: &loop{srv: r.server, el: &wireLoop{}}}
	s.tls = newSecure(s, r.secure.client, 0)
	s.tls.wire.state = underway // and its goroutine does not get a turn
	half := make([]byte, handshakeBytes/2)
	for i, want := range []bool{true, true, false} {
		if _, err := s.decrypt(half); (err == nil) != want {
			t.Errorf("piece %d: %v", i, err)
		}
	}
}
