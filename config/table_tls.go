package config

import "strings"

// tlsTable: connections by TLS. What can change does so for new connections; the files are read again at SIGHUP, and
// whenever CONFIG SET names one.
func tlsTable() []Directive {
	return []Directive{
		{Name: "tls-port", Kind: KindInt, Default: "0", Max: 65535, Change: AtStart, Usage: "TCP port to listen on for TLS (0: none)"},
		{Name: "tls-cert-file", Default: "", Usage: "certificate of the server and those between it and the root, PEM"},
		{Name: "tls-key-file", Default: "", Usage: "private key of the server, PEM"},
		{Name: "tls-ca-cert-file", Default: "", Usage: "certificates that may sign those of clients, PEM"},
		{Name: "tls-ca-cert-dir", Default: "", Usage: "directory with such certificates, each file of which counts"},
		{Name: "tls-auth-clients", Kind: KindEnum, Default: "yes", Choices: []string{"no", "yes", "optional"}, Usage: "whether TLS clients have to show a certificate: yes, no or optional (only a good one, if any)"},
		{Name: "tls-protocols", Default: "", check: protocols, Usage: "versions of TLS, of TLSv1.2 and TLSv1.3 (empty: both)"},
		{Name: "tls-ciphers", Default: "", Usage: "ciphers of TLS 1.2 by OpenSSL's names with colons between, those with ECDHE only (empty: all good ones)"},
		{Name: "tls-session-caching", Kind: KindBool, Default: "yes", Usage: "let clients resume TLS sessions, by tickets"},

		// crypto/tls has no knob for these.
		{Name: "tls-ciphersuites", Default: "", Fixed: true, Usage: "ciphers of TLS 1.3: always the three of the standard"},
		{Name: "tls-key-file-pass", Default: "", Fixed: true, Usage: "password of the private key; use a key without one, readable to the server alone"},
		{Name: "tls-prefer-server-ciphers", Kind: KindBool, Default: "no", Inert: true, Usage: "whose order of ciphers counts: the server's, which knows what its processor is good at"},
		{Name: "tls-session-cache-size", Kind: KindInt, Default: "20480", Max: maxInt32, Inert: true, Usage: "TLS sessions remembered: tickets need none"},
		{Name: "tls-session-cache-timeout", Kind: KindInt, Default: "300", Max: maxInt32, Inert: true, Usage: "seconds for which they are: tickets are good for a week"},
		{Name: "tls-dh-params-file", Default: "", Inert: true, Usage: "parameters of a key exchange that is not used here"},
		{Name: "tls-client-cert-file", Default: "", Inert: true, Usage: "certificate to connect to other servers with"},
		{Name: "tls-client-key-file", Default: "", Inert: true, Usage: "private key to connect with"},
		{Name: "tls-client-key-file-pass", Default: "", Inert: true, Usage: "password of that key"},
		{Name: "tls-replication", Kind: KindBool, Default: "no", Inert: true, Usage: "TLS to replicas"},
		{Name: "tls-cluster", Kind: KindBool, Default: "no", Inert: true, Usage: "TLS between nodes"},
	}
}

// protocols refuses versions of TLS that there are not, or no longer.
func protocols(value string) string {
	for _, word := range strings.Fields(value) {
		switch strings.ToLower(word) {
		case "tlsv1.2", "tlsv1.3":
		case "tlsv1", "tlsv1.1":
			return word + " is not safe any more, and not supported; give TLSv1.2, TLSv1.3 or both"
		default:
			return "argument(s) must be one of the following: TLSv1.2, TLSv1.3"
		}
	}
	return ""
}
