package resp

import "strings"

// Replies about users and what they may do.

// ErrNoSuchUser is CLIENT KILL's reply to an unknown USER.
func ErrNoSuchUser(name []byte) string {
	return "ERR No such user '" + string(quoted(name, len(name))) + "'"
}

// ErrPermCommand is the reply to a command that the user may not run; the name is the table's.
func ErrPermCommand(name string) string {
	return "NOPERM this user has no permissions to run the '" + name + "' command"
}

// ErrPermExec is the reply to a command within EXEC that the user might run when it was queued.
func ErrPermExec(reason string) string {
	return "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. " +
		"This command is no longer allowed for the following reason: " + reason
}

// Reasons for ErrPermExec.
const (
	ExecPermCommand = "no permission to execute the command or subcommand"
	ExecPermKey     = "no permission to touch the specified keys"
	ExecPermChannel = "no permission to access one of the channels used as arguments"
)

// ErrACLRule is ACL SETUSER's reply to a rule that it does not take; reason is one of the ACL… texts.
func ErrACLRule(rule, reason string) string {
	return "ERR Error in ACL SETUSER modifier '" + string(quoted([]byte(rule), len(rule))) + "': " + reason
}

// Reasons for ErrACLRule.
const (
	ACLUnknownCommand   = "Unknown command or category name in ACL"
	ACLSyntax           = "Syntax error"
	ACLAfterAllKeys     = "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
	ACLAfterAllChannels = "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels"
	ACLNoPassword       = "The password you are trying to remove from the user does not exist"
	ACLBadHash          = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
	ACLFirstOfSub       = "Allowing first-arg of a subcommand is not supported"
)

// Reasons for refusing a line of a file of users, beside those for ErrACLRule.
const (
	ACLLineStart       = "should start with user keyword followed by the username"
	ACLLineParenthesis = "Unmatched parenthesis in selector definition"
	ACLDuplicateUser   = "Duplicate user found. A user can only be defined once in config files"
)

// ACLLineName is the reason for a name that no user may have.
func ACLLineName(name string) string { return "username '" + name + "' contains invalid characters" }

// ACLLineRule is the reason for a rule about a command that does not exist.
func ACLLineRule(rule, reason string) string {
	return "Error in applying operation '" + rule + "': " + reason
}

// ErrACLParenthesis is ACL SETUSER's reply to a selector that does not end.
func ErrACLParenthesis(begin []byte) string {
	return "ERR Unmatched parenthesis in acl selector starting at '" + string(quoted(begin, len(begin))) + "'."
}

// ErrACLCategory is ACL CAT's reply to a category that does not exist.
func ErrACLCategory(name []byte) string {
	return "ERR Unknown category '" + string(quoted(name, quotedMax)) + "'"
}

// ErrACLLoad is ACL LOAD's reply to a file that was refused; causes are what is wrong.
func ErrACLLoad(causes []string) string {
	return "ERR " + strings.Join(causes, ". ") + ". WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
}

// ErrACLSave is ACL SAVE's reply when the file could not be written. Redis refers to its log.
func ErrACLSave(cause string) string { return "ERR saving the users failed: " + cause }

// ErrDryRunUser is ACL DRYRUN's reply to a user that does not exist.
func ErrDryRunUser(name []byte) string {
	return "ERR User '" + string(quoted(name, len(name))) + "' not found"
}

// ErrDryRunCommand is ACL DRYRUN's reply to a command that does not exist.
func ErrDryRunCommand(name []byte) string {
	return "ERR Command '" + string(quoted(name, len(name))) + "' not found"
}
