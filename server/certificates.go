package server

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrTLS says that what the tls- directives name is no good.
var ErrTLS = errors.New("TLS cannot be set up")

// tlsDirectives are what a TLS configuration is made of.
var tlsDirectives = []string{"tls-cert-file", "tls-key-file", "tls-ca-cert-file", "tls-ca-cert-dir", "tls-auth-clients",
	"tls-protocols", "tls-ciphers", "tls-session-caching"}

// ReloadTLS reads the files of the tls- directives again. New connections go by what they hold; where they are no good
// (ErrTLS) everything stays as it was. Without tls-port it does nothing.
func (s *Server) ReloadTLS() error {
	if s.securePort == 0 {
		return nil
	}
	return s.useTLS(func(name string) string {
		value, _ := s.o.Config.Get(name)
		return value
	})
}

// useTLS has new connections go by these values.
func (s *Server) useTLS(value func(name string) string) error {
	settings, err := tlsSettings(value)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTLS, err)
	}
	leaf := settings.Certificates[0].Leaf
	if now := s.o.Clock(); now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		s.o.Log.Warn("the certificate is not valid now; clients will refuse it", "from", leaf.NotBefore, "until", leaf.NotAfter)
	}
	s.certificates.Store(settings)
	s.o.Log.Info("TLS certificate", "file", value("tls-cert-file"), "subject", leaf.Subject.String(), "until", leaf.NotAfter)
	return nil
}

// CertificateExpires is when the certificate in use ends; zero without TLS.
func (s *Server) CertificateExpires() time.Time {
	settings := s.certificates.Load()
	if settings == nil {
		return time.Time{}
	}
	return settings.Certificates[0].Leaf.NotAfter
}

// secures reports whether who has come to this address speaks TLS.
func (s *Server) secures(local net.Addr) bool {
	tcp, ok := local.(*net.TCPAddr)
	return ok && s.securePort != 0 && tcp.Port == s.securePort
}

// tlsSettings makes what crypto/tls goes by.
func tlsSettings(value func(name string) string) (*tls.Config, error) {
	certificate, err := keyPair(value("tls-cert-file"), value("tls-key-file"))
	if err != nil {
		return nil, err
	}
	settings := &tls.Config{
		Certificates:                []tls.Certificate{certificate},
		SessionTicketsDisabled:      value("tls-session-caching") == "no",
		DynamicRecordSizingDisabled: true, // replies leave in one write anyway
	}
	settings.MinVersion, settings.MaxVersion = versions(value("tls-protocols"))
	if settings.CipherSuites, err = cipherSuites(value("tls-ciphers")); err != nil {
		return nil, err
	}
	if value("tls-auth-clients") == "no" {
		return settings, nil
	}
	settings.ClientAuth = tls.RequireAndVerifyClientCert
	if value("tls-auth-clients") == "optional" {
		settings.ClientAuth = tls.VerifyClientCertIfGiven
	}
	settings.ClientCAs, err = authorities(value("tls-ca-cert-file"), value("tls-ca-cert-dir"))
	return settings, err
}

func keyPair(certificate, key string) (tls.Certificate, error) {
	switch "" {
	case certificate:
		return tls.Certificate{}, errors.New("tls-cert-file is not set")
	case key:
		return tls.Certificate{}, errors.New("tls-key-file is not set")
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil && encrypted(key) {
		return pair, fmt.Errorf("tls-key-file %s is encrypted; write it without a password, for the server's user alone: openssl pkey -in %s -out FILE", key, key)
	}
	if err != nil {
		return pair, fmt.Errorf("tls-cert-file %s with tls-key-file %s: %w", certificate, key, err)
	}
	return pair, nil
}

// encrypted reports whether a file has a private key that a password protects: in PKCS #8, or in OpenSSL's older way.
func encrypted(file string) bool {
	text, err := os.ReadFile(file)
	return err == nil && (bytes.Contains(text, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----")) || bytes.Contains(text, []byte("Proc-Type: 4,ENCRYPTED")))
}

// versions reads tls-protocols, whose row has let nothing else through.
func versions(value string) (least, most uint16) {
	value = strings.ToLower(value)
	least, most = tls.VersionTLS12, tls.VersionTLS13
	old, recent := strings.Contains(value, "1.2"), strings.Contains(value, "1.3")
	if recent && !old {
		least = tls.VersionTLS13
	}
	if old && !recent {
		most = tls.VersionTLS12
	}
	return least, most
}

// cipherSuites reads OpenSSL's names of ciphers of TLS 1.2; without any it leaves the choice to crypto/tls.
func cipherSuites(value string) ([]uint16, error) {
	if value == "" {
		return nil, nil
	}
	known := map[string]uint16{}
	var names []string
	for _, suite := range tls.CipherSuites() {
		if name, ok := opensslName(suite.Name); ok {
			known[name] = suite.ID
			names = append(names, name)
		}
	}
	var chosen []uint16
	for name := range strings.SplitSeq(value, ":") {
		id, ok := known[strings.ToUpper(name)]
		if !ok {
			return nil, fmt.Errorf("tls-ciphers: %q is none of %s", name, strings.Join(names, ":"))
		}
		chosen = append(chosen, id)
	}
	return chosen, nil
}

// opensslName makes ECDHE-RSA-AES128-GCM-SHA256 of TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256. TLS 1.3's suites are none of its.
func opensslName(name string) (string, bool) {
	exchange, cipher, ok := strings.Cut(strings.TrimPrefix(name, "TLS_"), "_WITH_")
	cipher = strings.NewReplacer("AES_128", "AES128", "AES_256", "AES256", "_CBC", "", "POLY1305_SHA256", "POLY1305").Replace(cipher)
	return strings.ReplaceAll(exchange+"-"+cipher, "_", "-"), ok
}

// authorities reads the certificates that may sign those of clients.
func authorities(file, dir string) (*x509.CertPool, error) {
	if file == "" && dir == "" {
		return nil, errors.New("neither tls-ca-cert-file nor tls-ca-cert-dir is set: nobody could sign clients' certificates; " +
			"set one, or tls-auth-clients no")
	}
	pool := x509.NewCertPool()
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("tls-ca-cert-file: %w", err)
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("tls-ca-cert-file %s: there is no certificate in it", file)
		}
	}
	if dir == "" {
		return pool, nil
	}
	return pool, addDirectory(pool, dir)
}

// addDirectory adds the certificates of each file of a directory. Other files may lie there.
func addDirectory(pool *x509.CertPool, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("tls-ca-cert-dir: %w", err)
	}
	found := false
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("tls-ca-cert-dir: %w", err)
		}
		found = pool.AppendCertsFromPEM(text) || found
	}
	if !found {
		return fmt.Errorf("tls-ca-cert-dir %s: there is no certificate in it", dir)
	}
	return nil
}
