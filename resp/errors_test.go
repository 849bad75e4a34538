package resp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Texts that are put together, as redis-server 7.0.15 puts them together for the same request. What only follows
// from the constants is not repeated here.
func TestComposedErrors(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, tc := range []struct{ got, want string }{
		{ErrArity("client|getname"), "ERR wrong number of arguments for 'client|getname' command"},
		{ErrUnknownCommand([]byte("FOO"), nil), "ERR unknown command 'FOO', with args beginning with: "},
		{ErrUnknownCommand(nil, nil), "ERR unknown command '', with args beginning with: "},
		{ErrUnknownCommand([]byte("foo"), words("a", "b", "c")), "ERR unknown command 'foo', with args beginning with: 'a' 'b' 'c' "},
		{ErrUnknownCommand([]byte(long), words(long, "z")),
			"ERR unknown command '" + long[:128] + "', with args beginning with: '" + long[:128] + "' "},
		{ErrUnknownCommand([]byte("foo"), words(long[:100], long[:100], long[:100])),
			"ERR unknown command 'foo', with args beginning with: '" + long[:100] + "' '" + long[:25] + "' "},
		{ErrUnknownCommand([]byte("foo"), words(strings.Fields(strings.Repeat("b ", 99))...)),
			"ERR unknown command 'foo', with args beginning with: " + strings.Repeat("'b' ", 32)},
		{ErrUnknownCommand([]byte("f\x00o"), words("a\x00b")), "ERR unknown command 'f', with args beginning with: 'a' "},
		{ErrUnknownSubcommand([]byte("Foo"), "client"), "ERR unknown subcommand 'Foo'. Try CLIENT HELP."},
		{ErrUnknownSubcommand([]byte(long), "client"), "ERR unknown subcommand '" + long[:128] + "'. Try CLIENT HELP."},
		{ErrUnknownSubcommandOrArity([]byte("foo"), "debug"),
			"ERR unknown subcommand or wrong number of arguments for 'foo'. Try DEBUG HELP."},
		{ErrInvalidExpire("setex"), "ERR invalid expire time in 'setex' command"},
		{ErrUnsupportedOption([]byte("foo")), "ERR Unsupported option foo"},
		{ErrHelloOption([]byte("auth")), "ERR Syntax error in HELLO option 'auth'"},
		{ErrClientType([]byte("foo")), "ERR Unknown client type 'foo'"},
		{ErrNoSuchUser([]byte("nosuch")), "ERR No such user 'nosuch'"},
		{ErrSubscribed("get"), "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"},
		{ErrProtected("MODULE", "enable-module-command"), "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."},
		{ErrConfigUnknown([]byte("foo")), "ERR Unknown option or number of arguments for CONFIG SET - 'foo'"},
		{ErrConfigSet("databases", ConfigImmutable), "ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config"},
		{ErrConfigSet("port", ConfigNotBetween(0, 65535)), "ERR CONFIG SET failed (possibly related to argument 'port') - argument must be between 0 and 65535 inclusive"},
		{ErrConfigSet("appendfsync", ConfigNotOneOf("everysec", "always", "no")), "ERR CONFIG SET failed (possibly related to argument 'appendfsync') - argument(s) must be one of the following: everysec, always, no"},
	} {
		if tc.got != tc.want {
			t.Errorf("%q, want %q", tc.got, tc.want)
		}
	}
}

// Every error text of this package begins with its code, fits one line, and is written once.
func TestErrorTextsAreWellFormed(t *testing.T) {
	files, err := filepath.Glob("errors*.go")
	if err != nil {
		t.Fatal(err)
	}
	source := ""
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source += string(text)
	}
	seen := map[string]string{}
	for line := range strings.Lines(source) {
		name, text, ok := strings.Cut(line, "= \"")
		name = strings.TrimSpace(name)
		if !ok || !strings.HasPrefix(name, "Err") {
			continue
		}
		text, _, _ = strings.Cut(text, `" //`)
		text = strings.TrimSuffix(strings.TrimSpace(text), `"`)
		code, rest, _ := strings.Cut(text, " ")
		if code == "" || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || rest == "" {
			t.Errorf("%s does not begin with a code: %q", name, text)
		}
		if other, twice := seen[text]; twice {
			t.Errorf("%s and %s are the same text", other, name)
		}
		seen[text] = name
	}
	if len(seen) < 80 {
		t.Errorf("found only %d texts in %q", len(seen), files)
	}
}

func words(words ...string) [][]byte {
	args := make([][]byte, len(words))
	for i, word := range words {
		args[i] = []byte(word)
	}
	return args
}
