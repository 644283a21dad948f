//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows)

package ossocket

import "time"

// Socket cannot be had on this system.
type Socket struct{ family Family }

// Open makes a socket.
func Open(Family, Kind) (*Socket, error) { return nil, ErrNotSupported }

// The methods are for the compiler: there is no Socket to call them on.

func (*Socket) Bind(Addr) error                           { return ErrNotSupported }
func (*Socket) LocalAddr() (Addr, error)                  { return Addr{}, ErrNotSupported }
func (*Socket) RemoteAddr() (Addr, error)                 { return Addr{}, ErrNotSupported }
func (*Socket) Connect(Addr) error                        { return ErrNotSupported }
func (*Socket) Disconnect() error                         { return ErrNotSupported }
func (*Socket) ConnectResult() error                      { return ErrNotSupported }
func (*Socket) Listen(int) error                          { return ErrNotSupported }
func (*Socket) Accept() (*Socket, error)                  { return nil, ErrNotSupported }
func (*Socket) Receive([]byte) (n int, a Addr, err error) { return 0, a, ErrNotSupported }
func (*Socket) Send([]byte, Addr) error                   { return ErrNotSupported }
func (*Socket) Read([]byte) (int, error)                  { return 0, ErrNotSupported }
func (*Socket) Write([]byte) (int, error)                 { return 0, ErrNotSupported }
func (*Socket) SetWriteDeadline(time.Time)                {}
func (*Socket) ShutdownRead()                             {}
func (*Socket) ShutdownWrite()                            {}
func (*Socket) Ready(Direction) bool                      { return true }
func (*Socket) Wait(Direction) error                      { return ErrNotSupported }
func (*Socket) Close()                                    {}

func (*Socket) getsockopt(name) (int, error) { return 0, ErrNotSupported }
func (*Socket) setsockopt(name, int) error   { return ErrNotSupported }

const (
	inheritsOptions = true
	bufferFactor    = 1
)

var (
	hopLimit [2]name
	names    [options]name
)
