// Package rig holds what every benchmark of this house needs: servers that are started and ended by handle, questions
// to them, the machine's description, CPU time from /proc, and medians of ratios.
//
// A Process is ours from Start to its end: it lives in a process group of its own, the kernel kills it should we be
// killed, and Kill and Terminate signal exactly this process and wait for it.
package rig
