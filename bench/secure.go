package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"holdfast/bench/rig"
)

// secureRows are those by TLS. redis-benchmark sends them: our generator speaks plainly.
func secureRows(l Load) []Row {
	l.Generator, l.TLS = redisBenchmark, true
	var rows []Row
	for _, pipeline := range []int{1, 16} {
		for _, name := range []string{"GET", "SET"} {
			row := usual(name, l, "TLS")
			row.Pipeline = pipeline
			rows = append(rows, row)
		}
	}
	return rows
}

// secured is the program with a port for TLS beside the plain one, by a certificate made by certify.
func (p Program) secured(dir, port string) Program {
	plain := p.Args
	p.Args = func(data, plainPort, policy string) []string {
		return append(plain(data, plainPort, policy), "--tls-port", port, "--tls-cert-file", filepath.Join(dir, certificateFile),
			"--tls-key-file", filepath.Join(dir, keyFile), "--tls-auth-clients", "no")
	}
	return p
}

// Names of what certify writes.
const (
	certificateFile = "server.crt"
	keyFile         = "server.key"
)

// certify makes a certificate for the loopback that signs itself. Both servers show the same, so that a handshake costs both
// the same; in a run there are as many as connections.
func certify(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
		IPAddresses: []net.IP{net.ParseIP(rig.Loopback)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePEM(filepath.Join(dir, certificateFile), "CERTIFICATE", der); err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, keyFile), "PRIVATE KEY", private)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// prepareTLS makes what the servers of a row with TLS need, and returns the programs with it and the ports.
func prepareTLS(programs []Program, dir string) ([]Program, []string, error) {
	if err := certify(dir); err != nil {
		return nil, nil, fmt.Errorf("certificate: %w", err)
	}
	programs = slices.Clone(programs)
	ports := make([]string, len(programs))
	for i := range programs {
		l, err := net.Listen("tcp", net.JoinHostPort(rig.Loopback, "0"))
		if err != nil {
			return nil, nil, err
		}
		ports[i] = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
		if err := l.Close(); err != nil {
			return nil, nil, err
		}
		programs[i] = programs[i].secured(dir, ports[i])
	}
	return programs, ports, nil
}
