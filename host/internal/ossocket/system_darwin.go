package ossocket

import "golang.org/x/sys/unix"

const (
	inheritsOptions = false // neither the buffers, nor hops, nor idle time
	tcpKeepIdle     = unix.TCP_KEEPALIVE
	tcpKeepInterval = unix.TCP_KEEPINTVL
	tcpKeepCount    = unix.TCP_KEEPCNT
)
