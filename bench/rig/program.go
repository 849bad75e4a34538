package rig

// A Program is a server that can be started.
type Program struct {
	Name string // as tables call it
	Path string
	Args func(dir, port string) []string // the command line after the path

	// Settings are what CONFIG GET has to say once it runs: what a table says about it must be so.
	Settings map[string]string
}
