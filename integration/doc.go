// Package integration sees holdfast from outside: the built binary, over sockets, beside a real redis-server.
//
// Most of it is transcripts: testdata/transcripts/*.txt, one per command family. A transcript is a list of
// commands without replies. Each command goes to holdfast and to redis-server 7.0, and the two raw replies must
// be the same bytes, in RESP2 and again in RESP3. So the files read as a specification, and the expected reply
// is never ours. After a transcript every key must have the same DEBUG DIGEST-VALUE on both servers, and
// holdfast, ended by kill -9 and started again on its directory, must still have all of it.
//
//	line      = "#" comment | [directive …] [client ">"] command | client "<" [count]
//	command   = words, quoted as redis-cli does: 'raw', "with \x00 \r \n \"", bare
//	client    = a name; each is a connection of its own, made when first used; without one: main
//	${…}      = now+N, nowms+N (unix time), repeat:TEXT:N, CLIENT.addr, CLIENT.laddr, or what !let kept
//
// A line "a<" reads the next reply of client a ("a< 3": the next three), whatever sent it. Directives:
//
//	!options FLAG …       first line only: flags for both servers
//	!unordered            an array or set is compared as a multiset, a map as a multiset of its pairs
//	!pairs                a flat array of pairs is compared as a map
//	!scan                 an iterating command: goes round from cursor 0 to 0, and what it met is compared as a set
//	!near N               integers (also written as text) may differ by N
//	!shape                types and lengths of aggregates only
//	!type                 the outermost type only
//	!error-code           errors: the first word only; anything else exactly
//	!mask "f1 -f2 …"      the values of these fields in name=value or name:value text do not count; with a minus,
//	                      the fields may be missing
//	!has "f1 f2 …"        both texts must have these fields, as name=value or name:value
//	!let NAME             keeps the reply, per server, as ${NAME}; only its type is compared
//	!send                 sends and does not read
//	!block                sends, and waits until the server counts one more blocked client
//	!raw "bytes"          sends the bytes as they are and does not read
//	!split N "bytes"      sends the bytes cut in two at every place in turn, then one by one, N replies each time
//	!close                closes the client's connection, and waits until the servers have noticed
//	!closed               the servers must have closed the client's connection; what they said before is compared
//	!sleep 50ms           lets real time pass (a real server has no other clock)
//	!differs "why"        a known difference: must be there, not only in the order of elements, and
//	                      docs/compatibility.md must have the same words
//	!own "reply"          for holdfast alone, with this raw reply: what Redis 7.0 lacks; documented likewise
//
// Beside them, TestDifferences sends random commands to both; make fuzz does so for longer.
//
// INTEGRATION_TWIN=redis puts a redis-server in holdfast's place: it checks the harness and the transcripts.
// INTEGRATION_BINARY=path tests that binary instead of building one; INTEGRATION_RACE=1 builds with the race detector.
// INTEGRATION_LOOPS=4 gives each holdfast so many event loops, those of integration/crash as well.
// INTEGRATION_TRACE=1 with -v shows the real server's replies.
package integration
