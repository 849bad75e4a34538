package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// Trust says what a TLS connection goes by. The names of its fields are those of redis-cli's options. Unlike redis-cli it
// wants the certificate to be for the server's name, or for the one that SNI gives.
type Trust struct {
	CACert    string // file with certificates that may sign the server's, PEM; "" with CACertDir "": those of the system
	CACertDir string // directory with such files
	Cert, Key string // files with the client's own certificate and key; "": none
	SNI       string // the server's name, where it is not the host that we connect to
	Insecure  bool   // take any certificate: who listens in between is not noticed
}

// secured is a connection that speaks TLS by the time it is returned. On error the connection is closed.
func (t Target) secured(nc net.Conn) (net.Conn, error) {
	settings, err := t.Trust.settings(t.Host)
	if err == nil {
		secure := tls.Client(nc, settings)
		if err = secure.Handshake(); err == nil {
			return secure, nil
		}
	}
	return nil, errors.Join(t.explainTLS(err), nc.Close())
}

func (c Trust) settings(host string) (*tls.Config, error) {
	settings := &tls.Config{ServerName: host, InsecureSkipVerify: c.Insecure}
	if c.SNI != "" {
		settings.ServerName = c.SNI
	}
	if c.Cert != "" || c.Key != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("--cert %q with --key %q: %w", c.Cert, c.Key, err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	files, err := c.authorities()
	if err != nil || files == nil {
		return settings, err
	}
	settings.RootCAs = x509.NewCertPool()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("certificates to trust: %w", err)
		}
		if !settings.RootCAs.AppendCertsFromPEM(text) && file == c.CACert {
			return nil, fmt.Errorf("certificates to trust: there is none in %s", file)
		}
	}
	return settings, nil
}

// authorities are the files with certificates to trust; nil means the system's.
func (c Trust) authorities() (files []string, err error) {
	if c.CACert != "" {
		files = append(files, c.CACert)
	}
	if c.CACertDir == "" {
		return files, nil
	}
	entries, err := os.ReadDir(c.CACertDir)
	if err != nil {
		return nil, fmt.Errorf("certificates to trust: %w", err)
	}
	for _, entry := range entries {
		if path := filepath.Join(c.CACertDir, entry.Name()); !entry.IsDir() {
			files = append(files, path)
		}
	}
	return files, nil
}

// explainTLS turns what the handshake came to into one line.
func (t Target) explainTLS(err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: %s shows a certificate that nobody known has signed: name the authority's with --cacert", ErrConnect, t)
	case errors.As(err, &name):
		return fmt.Errorf("%w: the certificate of %s is for another name (%w): give the right one with --sni", ErrConnect, t, name)
	case errors.As(err, &plain):
		return fmt.Errorf("%w: %s does not speak TLS: give its TLS port, or leave out --tls", ErrConnect, t)
	}
	return fmt.Errorf("%w to %s by TLS: %w", ErrConnect, t, err)
}
