package ossocket

// OpenBSD has these for the whole system only; -1 is no option.
const (
	inheritsOptions = true
	tcpKeepIdle     = -1
	tcpKeepInterval = -1
	tcpKeepCount    = -1
)
