package server

import (
	"sync"

	gneterrors "github.com/panjf2000/gnet/v2/pkg/errors"
)

// keepAccepting has gnet go on where a connection cannot be accepted, as there is no descriptor for it. gnet would end its
// acceptor and all connections: a crowd that comes while the loops are busy is accepted without a look at the limit of
// clients, and could end the server.
//
// gnet has no option for that, and no hook in which a spare descriptor could be given up. It asks whether the acceptor's error is
// this one, by errors.Is, which holds no two errors of a type for equal that cannot be compared. Who could not be accepted
// is when the next one comes, as the acceptor takes all who wait then.
//
// The variable is the whole process's, and is set before its first server runs.
var keepAccepting = sync.OnceFunc(func() {
	gneterrors.ErrAcceptSocket = unacceptable{"a connection cannot be accepted"}
})

// unacceptable is an error that is no other one, itself included.
type unacceptable []string

func (u unacceptable) Error() string { return u[0] }
