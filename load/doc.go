// Package load asks a server that speaks RESP and measures how long its replies take.
//
// A run has connections, a workload (which requests, in which shares), keys, and one of two loops:
//
//	closed  a connection sends its pipeline of requests, waits for all replies, and sends the next: as fast as replies
//	        come. Latency counts from sending. A server that stalls is asked less meanwhile.
//	open    requests are due at a fixed rate, whether or not earlier ones have been answered. Latency counts from when
//	        a request was due, so a stall counts for every request that fell into it (no "coordinated omission"), and
//	        so does a delay of our own: requests leave up to 50 µs late, those that are due by then together.
//
//	Options ─▶ Start ─▶ loops (a thread each: epoll, many connections) ─▶ recorders (histograms) ─▶ Stop ─▶ Result
//	                       │ workload.go: what next     keys.go, zipf.go: which key
//	                       │ pace.go: when              scan.go: replies out of bytes
//
// A run is divided into phases (warm-up, measured, an event, …): Phase begins the next one. A request belongs to the
// phase in which it was due.
//
// Each loop waits with epoll itself and reads and writes its sockets by plain system calls. Rejected: a goroutine per
// connection on Go's own poller. It takes a read that finds nothing and two switches more per reply, and at pipeline 1
// the generator then needs more CPU than the server (docs/benchmarks.md).
//
// Reading order: options.go, workload.go, loop.go, conn.go, record.go, result.go.
package load
