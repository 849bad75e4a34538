package resp

import (
	"strconv"
	"strings"
)

// Replies about connections, the server, its settings and its administration.

// Connections: authentication, HELLO, CLIENT.
const (
	ErrNoAuth            = "NOAUTH Authentication required."
	ErrNoAuthHello       = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
	ErrWrongPass         = "WRONGPASS invalid username-password pair or user is disabled."
	ErrAuthNoPassword    = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
	ErrNoProto           = "NOPROTO unsupported protocol version"
	ErrProtoNotInteger   = "ERR Protocol version is not an integer or out of range"
	ErrClientName        = "ERR Client names cannot contain spaces, newlines or special characters."
	ErrNoSuchClient      = "ERR No such client"
	ErrClientID          = "ERR Invalid client ID"                  // CLIENT LIST ID
	ErrClientKillID      = "ERR client-id should be greater than 0" // CLIENT KILL ID
	ErrClientPauseMode   = "ERR CLIENT PAUSE mode must be WRITE or ALL"
	ErrUnblockReason     = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"
	ErrUnblocked         = "UNBLOCKED client unblocked via CLIENT UNBLOCK"
	ErrCachingNoTracking = "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
	ErrTrackingOptInOut  = "ERR You can't specify both OPTIN mode and OPTOUT mode"
	ErrMaxClients        = "ERR max number of clients reached"
	ErrUsername          = "ERR Usernames can't contain spaces or null characters"
	ErrDeleteDefault     = "ERR The 'default' user cannot be removed"
	ErrGenPassBits       = "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"
	ErrNoACLFile         = "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration."
	ErrPermKey           = "NOPERM this user has no permissions to access one of the keys used as arguments"
	ErrPermChannel       = "NOPERM this user has no permissions to access one of the channels used as arguments"
	ErrSortBy            = "ERR BY option of SORT denied due to insufficient ACL permissions."
	ErrSortGet           = "ERR GET option of SORT denied due to insufficient ACL permissions."
	ErrScriptPermCommand = "ERR The user executing the script can't run this command or subcommand"
	ErrScriptPermKey     = "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments"
	ErrScriptPermChannel = "ERR The user executing the script can't publish to the channel mentioned in the command"
	ErrDenied            = "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside."
)

// The server: its state and its administration.
const (
	ErrLoading          = "LOADING Redis is loading the dataset in memory"
	ErrOOM              = "OOM command not allowed when used memory > 'maxmemory'."
	ErrMisconfSnapshot  = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error."
	ErrReadOnly         = "READONLY You can't write against a read only replica."
	ErrSaveInProgress   = "ERR Background save already in progress"
	ErrChildActive      = "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible."
	ErrRewriteActive    = "ERR Background append only file rewriting already in progress"
	ErrNoShutdown       = "ERR No shutdown in progress."
	ErrShutdownFailed   = "ERR Errors trying to SHUTDOWN. Check logs."
	ErrNoConfigFile     = "ERR The server is running without a config file"
	ErrSwitchNested     = "ERR CONFIG SET of appendonly is not for transactions here: everybody would have to wait until the log is turned on or off" // ours
	ErrMonitorNested    = "ERR MONITOR isn't allowed for DENY BLOCKING client"
	ErrMonitorKeys      = "ERR Replica can't interact with the keyspace" // what Redis calls who monitors
	ErrSlowlogCount     = "ERR count should be greater than or equal to -1"
	ErrCommandUnknown   = "ERR Invalid command specified" // COMMAND GETKEYS
	ErrCommandArguments = "ERR Invalid number of arguments specified for command"
	ErrCommandKeys      = "ERR Invalid arguments specified for command" // the keys are not where they should be
	ErrCommandNoKeys    = "ERR The command has no key arguments"
	ErrMasterPort       = "ERR Invalid master port"                                                // REPLICAOF
	ErrOneNode          = "ERR this server stands alone: it follows no other, and has no replicas" // ours
	ErrFailoverTimeout  = "ERR FAILOVER timeout must be greater than 0"
	ErrNoFailover       = "ERR No failover in progress."
	ErrNoReplicas       = "ERR FAILOVER requires connected replicas."
	ErrClusterDisabled  = "ERR This instance has cluster support disabled"
	ErrDebugReload      = "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."
	ErrWaitLocal        = "ERR value is out of range, value must between 0 and 1" // WAITAOF, as in Redis 7.2
	ErrWaitNoLog        = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
	ErrDebugProtocol    = "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
	ErrPushNotInRESP2   = "ERR RESP2 is not supported by this command"
)

// Client-side caching: CLIENT TRACKING and CLIENT CACHING.
const (
	ErrTrackingRedirects    = "ERR A client can only redirect to a single other client"
	ErrTrackingRedirect     = "ERR The client ID you want redirect to does not exist"
	ErrTrackingPrefix       = "ERR PREFIX option requires BCAST mode to be enabled"
	ErrTrackingSwitch       = "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode."
	ErrTrackingOptBroadcast = "ERR OPTIN and OPTOUT are not compatible with BCAST"
	ErrTrackingOptSwitch    = "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode."
	ErrCachingYes           = "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."
	ErrCachingNo            = "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."
)

// ErrTrackingOverlap is CLIENT TRACKING's reply to a prefix that begins with another one, or the other way round: with one
// that the client has, or among those given.
func ErrTrackingOverlap(prefix, other string, among bool) string {
	whose := "an existing"
	if among {
		whose = "another provided"
	}
	return "ERR Prefix '" + prefix + "' overlaps with " + whose + " prefix '" + other +
		"'. Prefixes for a single client must not overlap."
}

// ErrHelloOption is HELLO's reply to an option that it does not know or that lacks its values.
func ErrHelloOption(option []byte) string {
	return "ERR Syntax error in HELLO option '" + string(quoted(option, len(option))) + "'"
}

// ErrNoSamples is LATENCY GRAPH's reply where nothing is known of an event.
func ErrNoSamples(event []byte) string {
	return "ERR No samples available for event '" + string(quoted(event, len(event))) + "'"
}

// ErrClientType is CLIENT LIST's and CLIENT KILL's reply to an unknown TYPE.
func ErrClientType(name []byte) string {
	return "ERR Unknown client type '" + string(quoted(name, len(name))) + "'"
}

// ErrClientInfo is CLIENT SETINFO's reply, in Redis 7.2, to a value that CLIENT LIST could not print.
func ErrClientInfo(attribute string) string {
	return "ERR " + attribute + " cannot contain spaces, newlines or special characters."
}

// ErrUnrecognizedOption is CLIENT SETINFO's reply, in Redis 7.2, to an attribute that it does not know.
func ErrUnrecognizedOption(option []byte) string {
	return "ERR Unrecognized option '" + string(quoted(option, len(option))) + "'"
}

// ErrProtected is the reply to DEBUG or MODULE where the configuration forbids it; command in upper case, option
// the directive that would allow it.
func ErrProtected(command, option string) string {
	return "ERR " + command + " command not allowed. If the " + option + " option is set to \"local\", you can run it " +
		"from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."
}

// ErrMisconfLog is the reply to a write that the log cannot take.
func ErrMisconfLog(cause string) string {
	return "MISCONF Errors writing to the AOF file: " + cause
}

// ErrRecordTooLong is the reply to a command whose record would be longer than the log's may be. Redis has no such limit.
const ErrRecordTooLong = "ERR too much for one record of the log: with what the transaction or script has changed so far, nearly 2 GiB; this command has changed nothing"

// ErrSaveFailed is SAVE's reply when the checkpoint was not written. Redis says a bare ERR.
func ErrSaveFailed(cause string) string { return "ERR saving failed: " + cause }

// ErrSnapshot is SNAPSHOT's reply where something is wrong. Redis has no such command.
func ErrSnapshot(cause string) string { return "ERR " + cause }

// ErrReloadFailed is the reply of DEBUG RELOAD and LOADAOF when the data could not be read back.
func ErrReloadFailed(cause string) string { return "ERR reloading failed: " + cause }

// ErrRewriteFailed is CONFIG REWRITE's reply when the file could not be written.
func ErrRewriteFailed(cause string) string { return "ERR Rewriting config file: " + cause }

// ErrConfigUnknown is CONFIG SET's reply to a parameter that does not exist.
func ErrConfigUnknown(parameter []byte) string {
	return "ERR Unknown option or number of arguments for CONFIG SET - '" + string(quoted(parameter, len(parameter))) + "'"
}

// ErrConfigSet is CONFIG SET's reply to a value that does not fit; reason is one of the Config… texts.
func ErrConfigSet(parameter, reason string) string {
	return "ERR CONFIG SET failed (possibly related to argument '" + parameter + "') - " + reason
}

// Reasons for ErrConfigSet.
const (
	ConfigImmutable  = "can't set immutable config"
	ConfigProtected  = "can't set protected config"
	ConfigDuplicate  = "duplicate parameter"
	ConfigNotYesNo   = "argument must be 'yes' or 'no'"
	ConfigNotMemory  = "argument must be a memory value"
	ConfigNotInteger = "argument couldn't be parsed into an integer"
	ConfigSaveParams = "Invalid save parameters"
)

// ConfigNotBetween is the reason for a number outside its bounds, which are inclusive.
func ConfigNotBetween(low, high int64) string {
	return "argument must be between " + strconv.FormatInt(low, 10) + " and " + strconv.FormatInt(high, 10) + " inclusive"
}

// ConfigNotOneOf is the reason for a word that is none of those allowed.
func ConfigNotOneOf(words ...string) string {
	return "argument(s) must be one of the following: " + strings.Join(words, ", ")
}

// ClientsBeyondDescriptors refuses more clients than there are file descriptors for.
func ClientsBeyondDescriptors(n int64) string {
	return "The operating system is not able to handle the specified number of clients, try with " + strconv.FormatInt(n, 10)
}
