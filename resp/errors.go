package resp

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// Error is one of the texts below as an error value, for functions that return an error which becomes the reply:
//
//	return resp.Error(resp.ErrSyntax) … w.Err(err)
//
// Two with the same text are equal, so errors.Is works.
type Error string

func (e Error) Error() string { return string(e) }

// Every text that a command replies as an error, by family. Clients match some of them word for word (job
// frameworks look for NOSCRIPT, BUSYKEY, LOADING), so each is what redis-server 7.0.15 sends for the same command.

// Any command.
const (
	ErrSyntax          = "ERR syntax error"
	ErrWrongType       = "WRONGTYPE Operation against a key holding the wrong kind of value"
	ErrNotInteger      = "ERR value is not an integer or out of range"
	ErrNotInt32        = "ERR value is out of range, value must between -2147483648 and 2147483647"
	ErrNotPositive     = "ERR value is out of range, must be positive"
	ErrNotFloat        = "ERR value is not a valid float"
	ErrNoSuchKey       = "ERR no such key"
	ErrIndexRange      = "ERR index out of range"
	ErrNumKeys         = "ERR numkeys should be greater than 0"
	ErrCountPositive   = "ERR count should be greater than 0"
	ErrOutOfRange      = "ERR value is out of range"
	ErrNotAboveLeast   = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
	ErrNotFinite       = "ERR value is NaN or Infinity"
	ErrTimeoutNegative = "ERR timeout is negative"
	ErrTimeoutNotFloat = "ERR timeout is not a float or out of range"
	ErrTimeoutNotInt   = "ERR timeout is not an integer or out of range"
)

// Strings and bits.
const (
	ErrStringTooLong      = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	ErrOffsetRange        = "ERR offset is out of range"
	ErrIncrOverflow       = "ERR increment or decrement would overflow"
	ErrDecrOverflow       = "ERR decrement would overflow" // DECRBY of the lowest integer, whose negation does not exist
	ErrIncrNotFinite      = "ERR increment would produce NaN or Infinity"
	ErrLCSNotString       = "ERR The specified keys must contain string values"
	ErrLCSLengthAndIndex  = "ERR If you want both the length and indexes, please just use IDX."
	ErrLCSTooLarge        = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
	ErrBitOffset          = "ERR bit offset is not an integer or out of range"
	ErrBitValue           = "ERR bit is not an integer or out of range" // SETBIT
	ErrBitArgument        = "ERR The bit argument must be 1 or 0."      // BITPOS
	ErrBitopNotSources    = "ERR BITOP NOT must be called with a single source key."
	ErrBitfieldType       = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
	ErrBitfieldOverflow   = "ERR Invalid OVERFLOW type specified"
	ErrBitfieldReadOnly   = "ERR BITFIELD_RO only supports the GET subcommand"
	ErrNotHLL             = "WRONGTYPE Key is not a valid HyperLogLog string value."
	ErrCorruptHLL         = "INVALIDOBJ Corrupted HLL object detected"
	ErrNoSuchHLL          = "ERR The specified key does not exist" // PFDEBUG
	ErrHLLNotSparse       = "ERR HLL encoding is not sparse"
	ErrRankZero           = "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"
	ErrLposCountNegative  = "ERR COUNT can't be negative"
	ErrLposMaxLenNegative = "ERR MAXLEN can't be negative"
)

// Keys: databases, expiry, COPY, RESTORE, OBJECT, SCAN, SORT.
const (
	ErrDBIndex           = "ERR DB index is out of range"
	ErrSwapFirstDB       = "ERR invalid first DB index"
	ErrSwapSecondDB      = "ERR invalid second DB index"
	ErrSameObject        = "ERR source and destination objects are the same"
	ErrExpireNXAndOthers = "ERR NX and XX, GT or LT options at the same time are not compatible"
	ErrExpireGTAndLT     = "ERR GT and LT options at the same time are not compatible"
	ErrInvalidCursor     = "ERR invalid cursor"
	ErrBusyKey           = "BUSYKEY Target key name already exists."
	ErrRestoreTTL        = "ERR Invalid TTL value, must be >= 0"
	ErrRestoreIdleTime   = "ERR Invalid IDLETIME value, must be >= 0"
	ErrRestoreFreq       = "ERR Invalid FREQ value, must be >= 0 and <= 255"
	ErrRestorePayload    = "ERR DUMP payload version or checksum are wrong"
	ErrRestoreData       = "ERR Bad data format"
	ErrMigrateKeyAndKeys = "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
	ErrMigrateConnect    = "IOERR error or timeout connecting to the client"
	ErrMigrateWrite      = "IOERR error or timeout writing to target instance"
	ErrMigrateRead       = "IOERR error or timeout reading to target instance"
	ErrMigrateNested     = "ERR MIGRATE is not for transactions and scripts here: everybody would have to wait for the other server"                  // ours
	ErrMigrateStayed     = "ERR keys changed while they were on their way, so that they are not removed here: the other server has them as they were" // ours
	ErrSortNotDouble     = "ERR One or more scores can't be converted into double"
	ErrNotLFU            = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
	ErrNotLRU            = "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
	ErrHashNotInteger    = "ERR hash value is not an integer"
	ErrHashNotFloat      = "ERR hash value is not a float"
)

// Sorted sets.
const (
	ErrScoreNotANumber    = "ERR resulting score is not a number (NaN)"
	ErrScoreRangeNotFloat = "ERR min or max is not a float"
	ErrLexRange           = "ERR min or max not valid string range item"
	ErrNXAndXX            = "ERR XX and NX options at the same time are not compatible"
	ErrGTLTAndNX          = "ERR GT, LT, and/or NX options at the same time are not compatible"
	ErrIncrPairs          = "ERR INCR option supports a single increment-element pair"
	ErrRankLimit          = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
	ErrLexScores          = "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
	ErrWeight             = "ERR weight value is not a float"
	ErrLimitNegative      = "ERR LIMIT can't be negative"
)

// Streams.
const (
	ErrStreamID            = "ERR Invalid stream ID specified as stream command argument"
	ErrStreamStart         = "ERR invalid start ID for the interval"
	ErrStreamEnd           = "ERR invalid end ID for the interval"
	ErrStreamIDZero        = "ERR The ID specified in XADD must be greater than 0-0"
	ErrStreamIDSmall       = "ERR The ID specified in XADD is equal or smaller than the target stream top item"
	ErrStreamExhausted     = "ERR The stream has exhausted the last possible ID, unable to add more items"
	ErrStreamEntryTooLarge = "ERR Elements are too large to be stored"
	ErrTrimTwice           = "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
	ErrTrimMaxLen          = "ERR The MAXLEN argument must be >= 0."
	ErrTrimLimitNegative   = "ERR The LIMIT argument must be >= 0."
	ErrTrimLimitAlone      = "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
	ErrTrimLimitExact      = "ERR syntax error, LIMIT cannot be used without the special ~ option"
	ErrTrimMissing         = "ERR syntax error, XTRIM must be called with a trimming strategy"
	ErrSetIDAdded          = "ERR entries_added must be positive"
	ErrSetIDBelowGiven     = "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
	ErrSetIDBelowTop       = "ERR The ID specified in XSETID is smaller than the target stream top item"
	ErrSetIDAddedBelow     = "ERR The entries_added specified in XSETID is smaller than the target stream length"
	ErrReadUnbalanced      = "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
	ErrReadGroupOption     = "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."
	ErrReadNoAckOption     = "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."
	ErrReadGroupMissing    = "ERR Missing GROUP option for XREADGROUP"
	ErrReadDollarInGroup   = "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."
	ErrReadNewOutsideGroup = "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
	ErrReadGroupGone       = "NOGROUP the consumer group this client was blocked on no longer exists"
	ErrReadStreamGone      = "UNBLOCKED the stream key no longer exists"
	ErrGroupExists         = "BUSYGROUP Consumer Group name already exists"
	ErrGroupEntriesRead    = "ERR value for ENTRIESREAD must be positive or -1"
	ErrGroupKeyMissing     = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."
	ErrCountAboveZero      = "ERR COUNT must be > 0"
)

// ErrReadNoGroup is XREADGROUP's reply where the key or the group is missing.
func ErrReadNoGroup(key, group []byte) string {
	return ErrNoKeyOrGroup(key, group) + " in XREADGROUP with GROUP option"
}

// ErrNoKeyOrGroup is the reply of XPENDING, XCLAIM and XAUTOCLAIM where the key or the group is missing.
func ErrNoKeyOrGroup(key, group []byte) string {
	return "NOGROUP No such key '" + string(quoted(key, len(key))) + "' or consumer group '" + string(quoted(group, len(group))) + "'"
}

// ErrNoGroup is the reply of XGROUP and XINFO to a missing group.
func ErrNoGroup(group, key []byte) string {
	return "NOGROUP No such consumer group '" + string(quoted(group, len(group))) + "' for key name '" + string(quoted(key, len(key))) + "'"
}

// ErrClaimArgument is the reply of XCLAIM and XAUTOCLAIM to an argument or option that is not a number.
func ErrClaimArgument(what, command string) string {
	return "ERR Invalid " + what + " argument for " + command
}

// ErrClaimOption is XCLAIM's reply to an option that it does not know.
func ErrClaimOption(option []byte) string {
	return "ERR Unrecognized XCLAIM option '" + string(quoted(option, len(option))) + "'"
}

// Fields of hashes and their deadlines, as in Redis 7.4 and 8.
const (
	ErrFieldsMissing       = "ERR Mandatory argument FIELDS is missing or not at the right position"
	ErrNumFieldsPositive   = "ERR Number of fields must be a positive integer"
	ErrNumFieldsAboveZero  = "ERR Parameter `numFields` should be greater than 0" // HEXPIRE
	ErrNumFieldsInvalid    = "ERR invalid number of fields"                       // HSETEX
	ErrNumFieldsMatch      = "ERR The `numfields` parameter must match the number of arguments"
	ErrFieldExpireNegative = "ERR invalid expire time, must be >= 0"
	ErrExpireMissing       = "ERR missing expire time"
	ErrHsetexConditions    = "ERR Only one of FXX or FNX arguments can be specified"
	ErrHsetexDeadlines     = "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"
)

// Places on the earth.
const (
	ErrGeoUnit            = "ERR unsupported unit provided. please use M, KM, FT, MI"
	ErrGeoMember          = "ERR could not decode requested zset member"
	ErrGeoRadius          = "ERR need numeric radius"
	ErrGeoRadiusNegative  = "ERR radius cannot be negative"
	ErrGeoWidth           = "ERR need numeric width"
	ErrGeoHeight          = "ERR need numeric height"
	ErrGeoBoxNegative     = "ERR height or width cannot be negative"
	ErrGeoAny             = "ERR the ANY argument requires COUNT argument"
	ErrGeoSearchStoreWith = "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
	ErrGeoRadiusStoreWith = "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
)

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

// ErrScriptOOM is the reply to a script, or a function, that does not say that it may run when memory is used up.
func ErrScriptOOM(what string) string {
	return "OOM allow-oom flag is not set on the " + what + ", can not run it when used memory > 'maxmemory'"
}

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

// quotedMax is how much of a client's own words an error repeats, in bytes.
const quotedMax = 128

// ErrArity is the reply to a wrong number of arguments. The name is the table's, in lower case, and for a
// subcommand "client|getname".
func ErrArity(name string) string {
	return "ERR wrong number of arguments for '" + name + "' command"
}

// ErrNoInputKeys is the reply of ZUNION and its like to a number of keys below 1.
func ErrNoInputKeys(command string) string {
	return "ERR at least 1 input key is needed for '" + command + "' command"
}

// ErrUnknownCommand repeats the name as sent and the first arguments, in 128 bytes each.
func ErrUnknownCommand(name []byte, args [][]byte) string {
	var begin strings.Builder
	for _, arg := range args {
		if begin.Len() >= quotedMax {
			break
		}
		begin.WriteByte('\'')
		begin.Write(quoted(arg, quotedMax-begin.Len()+1))
		begin.WriteString("' ")
	}
	return "ERR unknown command '" + string(quoted(name, quotedMax)) + "', with args beginning with: " + begin.String()
}

// ErrUnknownSubcommand repeats the subcommand as sent; command is the container's name in any case.
func ErrUnknownSubcommand(sub []byte, command string) string {
	return "ERR unknown subcommand '" + string(quoted(sub, quotedMax)) + "'. Try " + strings.ToUpper(command) + " HELP."
}

// ErrUnknownSubcommandOrArity is what the older containers (DEBUG) say, which check both in one place.
func ErrUnknownSubcommandOrArity(sub []byte, command string) string {
	return "ERR unknown subcommand or wrong number of arguments for '" + string(quoted(sub, quotedMax)) + "'. Try " +
		strings.ToUpper(command) + " HELP."
}

// ErrInvalidExpire is the reply to a time to live that is not positive or overflows.
func ErrInvalidExpire(command string) string {
	return "ERR invalid expire time in '" + command + "' command"
}

// ErrUnsupportedOption is EXPIRE's reply to a flag that it does not know.
func ErrUnsupportedOption(option []byte) string {
	return "ERR Unsupported option " + string(quoted(option, len(option)))
}

// ErrPFDebugUnknown is PFDEBUG's reply to a subcommand that it does not know.
func ErrPFDebugUnknown(sub []byte) string {
	return "ERR Unknown PFDEBUG subcommand '" + string(quoted(sub, len(sub))) + "'"
}

// ErrPFSelfTest is PFSELFTEST's reply where HyperLogLogs do not count as they should.
func ErrPFSelfTest(cause string) string { return "ERR TESTFAILED " + cause }

// ErrUnknownArgument is HSETEX's reply to an argument that it does not know.
func ErrUnknownArgument(arg []byte) string {
	return "ERR unknown argument: " + string(quoted(arg, len(arg)))
}

// ErrGeoPoint is the reply to a place that is not on the map, in degrees.
func ErrGeoPoint(lon, lat float64) string {
	text := func(f float64) string {
		if math.IsInf(f, 0) {
			return string(AppendDouble(nil, f))
		}
		return strconv.FormatFloat(f, 'f', 6, 64)
	}
	return "ERR invalid longitude,latitude pair " + text(lon) + "," + text(lat)
}

// ErrGeoFrom is the reply to a search without a center; command is the name as sent.
func ErrGeoFrom(command []byte) string {
	return "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + string(quoted(command, len(command)))
}

// ErrGeoBy is the reply to a search without a size; command is the name as sent.
func ErrGeoBy(command []byte) string {
	return "ERR exactly one of BYRADIUS and BYBOX can be specified for " + string(quoted(command, len(command)))
}

// ErrMigrateTarget is MIGRATE's reply to an error of the other server, whose text it repeats.
func ErrMigrateTarget(text string) string {
	return "ERR Target instance replied with error: " + strings.NewReplacer("\r", " ", "\n", " ").Replace(text)
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
	ExecPermChannel = "no permission to access one of the channels used as arguments to the command"
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
	return "ERR Unknown category '" + string(quoted(name, len(name))) + "'"
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

// ErrExecAbortBecause is EXEC's reply when it could not run; cause is a reply without its code.
func ErrExecAbortBecause(cause string) string {
	return "EXECABORT Transaction discarded because of: " + cause
}

// ErrSubscribed is the reply to a command that a subscribed RESP2 client may not send; the name is the table's.
func ErrSubscribed(name string) string {
	return "ERR Can't execute '" + name +
		"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
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

// quoted is as much of s as Redis repeats: at most limit bytes, and none from a zero byte on.
func quoted(s []byte, limit int) []byte {
	s = s[:min(len(s), limit)]
	if zero := bytes.IndexByte(s, 0); zero >= 0 {
		return s[:zero]
	}
	return s
}
