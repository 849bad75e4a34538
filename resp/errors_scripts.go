package resp

import "strconv"

// Replies about transactions, subscriptions, scripts and functions.

// Transactions, subscriptions and scripts.
const (
	ErrMultiNested      = "ERR MULTI calls can not be nested"
	ErrExecWithoutMulti = "ERR EXEC without MULTI"
	ErrDiscardNoMulti   = "ERR DISCARD without MULTI"
	ErrWatchInMulti     = "ERR WATCH inside MULTI is not allowed"
	ErrNotInMulti       = "ERR Command not allowed inside a transaction"
	ErrExecAbort        = "EXECABORT Transaction discarded because of previous errors."
	ErrShardInMulti     = "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"
	ErrNoScript         = "NOSCRIPT No matching script. Please use EVAL."
	ErrScriptNotBusy    = "NOTBUSY No scripts in execution right now."
	ErrScriptUnkillable = "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
	ErrScriptBusy       = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
	ErrScriptFlush      = "ERR SCRIPT FLUSH only support SYNC|ASYNC option"
	ErrFunctionBusy     = "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
	ErrScriptDebug      = "ERR Use SCRIPT DEBUG YES/SYNC/NO"
	ErrScriptWrites     = "ERR Can not execute a script with write flag using *_ro command."
	ErrScriptUnknown    = "ERR Unknown Redis command called from script"
	ErrScriptArity      = "ERR Wrong number of args calling Redis command from script"
	ErrScriptCommand    = "ERR This Redis command is not allowed from script"
	ErrScriptReadOnly   = "ERR Write commands are not allowed from read-only scripts."
	ErrScriptReply      = "ERR not enough memory for the reply"
	ErrFunctionMemory   = "ERR not enough memory for what libraries keep"
	ErrNoFunction       = "ERR Function not found"
	ErrNoLibrary        = "ERR Library not found"
	ErrNoLibraryName    = "ERR library name argument was not given"
	ErrFunctionKeys     = "ERR Bad number of keys provided"
	ErrFunctionFlush    = "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"
	ErrFunctionPolicy   = "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE."
	ErrFunctionPayload  = "ERR failed loading the given functions payload"
	ErrNotFunctions     = "ERR given type is not a function"
	ErrNumKeysNegative  = "ERR Number of keys can't be negative"
	ErrNumKeysTooMany   = "ERR Number of keys can't be greater than number of args"
)

// What ends a script before its end.
const (
	ScriptLoadingTimeout = "FUNCTION LOAD timeout"
	ScriptKilled         = "Script killed by user with SCRIPT KILL..." // for functions too
)

// ErrScript is the reply to a script that failed: the error's text, the script's SHA-1 or the function's name, and where it was.
func ErrScript(text, name, source string, line int) string {
	text += " script: " + name
	if source == "" {
		return text
	}
	return text + ", on " + source + ":" + strconv.Itoa(line) + "."
}

// ErrBlockInScript is the reply to XREAD and XREADGROUP that are to wait within a script; command is the name as sent.
func ErrBlockInScript(command []byte) string {
	return "ERR " + string(quoted(command, len(command))) + " command is not allowed with BLOCK option from scripts"
}

// ErrScriptCompile is the reply to a script that is no Lua.
func ErrScriptCompile(cause string) string {
	return "ERR Error compiling script (new function): " + cause
}

// ErrScriptHead is the reply to a script whose first line says something wrong.
func ErrScriptHead(cause string) string { return "ERR " + cause }

// ErrUnknownOptionGiven is FUNCTION LOAD's reply to an option that it does not know.
func ErrUnknownOptionGiven(option []byte) string {
	return "ERR Unknown option given: " + string(quoted(option, len(option)))
}

// ErrUnknownListArgument is FUNCTION LIST's reply to an argument that it does not know.
func ErrUnknownListArgument(arg []byte) string {
	return "ERR Unknown argument " + string(quoted(arg, len(arg)))
}

// ErrLibraryExists is the reply to a library that is there already; FUNCTION LOAD says its name in quotes.
func ErrLibraryExists(name string) string { return "ERR Library " + name + " already exists" }

// ErrFunctionExists is the reply to a library with a function that another one has.
func ErrFunctionExists(name string) string { return "ERR Function " + name + " already exists" }

// ErrExecAbortBecause is EXEC's reply when it could not run; cause is a reply without its code.
func ErrExecAbortBecause(cause string) string {
	return "EXECABORT Transaction discarded because of: " + cause
}

// ErrSubscribed is the reply to a command that a subscribed RESP2 client may not send; the name is the table's.
func ErrSubscribed(name string) string {
	return "ERR Can't execute '" + name +
		"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
}
