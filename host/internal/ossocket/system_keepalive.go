//go:build freebsd || netbsd || dragonfly

package ossocket

import "golang.org/x/sys/unix"

const (
	inheritsOptions = true
	tcpKeepIdle     = unix.TCP_KEEPIDLE
	tcpKeepInterval = unix.TCP_KEEPINTVL
	tcpKeepCount    = unix.TCP_KEEPCNT
)
