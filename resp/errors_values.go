package resp

import (
	"math"
	"strconv"
	"strings"
)

// Replies about keys and what they hold.

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

// ErrNoInputKeys is the reply of ZUNION and its like to a number of keys below 1.
func ErrNoInputKeys(command string) string {
	return "ERR at least 1 input key is needed for '" + command + "' command"
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
