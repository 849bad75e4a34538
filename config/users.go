package config

// UserLine is a line "user NAME RULE …" of a configuration file. What the rules mean is not known here.
type UserLine struct {
	File     string
	Line     int // from 1
	Included bool
	Words    []string // the name, and the rules
}

// Users are the users that the files said, in the order of their lines.
func (c *Config) Users() []UserLine {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.users
}

func (c *Config) addUser(u UserLine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users = append(c.users, u)
}

// userLine writes a user as a line of a file.
func userLine(words []string) string {
	line := "user"
	for _, word := range words {
		line += " " + quoteWord(word)
	}
	return line
}
