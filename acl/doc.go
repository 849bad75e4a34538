// Package acl knows who may do what: users, their passwords, and the rules that say which commands, keys and channels
// they may use.
//
//	Users ─ by name ─► User ─┬─ passwords (SHA-256), on or off
//	                         └─ Selectors: the root, and further ones ─┬─ commands: a bit for each of the Catalogue
//	                                                                   ├─ keys: patterns, to read, to write or both
//	                                                                   └─ channels: patterns
//
// A user may run a command if one selector alone permits it with all its keys and channels.
//
// Rules are written, and printed, as Redis 7.0 does. What it prints is not what was said but the shortest form that its
// own search finds: see describe.go.
//
// Nothing here locks or reads a clock: everything but Users.Open and Users.NoPass wants the engine's lock, and the time
// is handed in.
package acl
