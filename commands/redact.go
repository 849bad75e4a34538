package commands

// hidden stands in SLOWLOG and MONITOR for what nobody is to read.
const hidden = "(redacted)"

// Redacted are a request's arguments without passwords: the same slice where there are none.
func (c *Command) Redacted(args [][]byte) [][]byte {
	secret := c.secrets(args)
	if secret == nil {
		return args
	}
	shown := make([][]byte, len(args))
	for i := range args {
		shown[i] = args[i]
		if secret(i) {
			shown[i] = word(hidden)
		}
	}
	return shown
}

// secrets tells which arguments are, or is nil.
func (c *Command) secrets(args [][]byte) func(i int) bool {
	switch c.FullName() {
	case "auth":
		return func(i int) bool { return i > 0 }
	case "acl|setuser":
		return func(i int) bool { return i > 1 }
	case "hello":
		return behind(args, 2, "AUTH", 2)
	case "migrate":
		first, second := behind(args, 6, "AUTH", 1), behind(args, 6, "AUTH2", 2)
		return func(i int) bool { return first(i) || second(i) }
	case "config|set":
		return func(i int) bool { return i > 2 && i%2 == 1 && sensitive(args[i-1]) }
	}
	return nil
}

// behind tells which arguments are among the n behind a word.
func behind(args [][]byte, from int, keyword string, n int) func(i int) bool {
	return func(i int) bool {
		for k := max(from, i-n); k < i; k++ {
			if equalFold(args[k], keyword) {
				return true
			}
		}
		return false
	}
}

// sensitive reports whether a directive holds a password.
func sensitive(name []byte) bool {
	switch string(fold(nil, name)) {
	case "requirepass", "masterauth", "masteruser", "tls-key-file-pass", "tls-client-key-file-pass":
		return true
	}
	return false
}
