package server

import (
	"context"
	"errors"
	"fmt"
	goio "io"
	"log/slog"
	"net"
	gohttp "net/http"
	"time"
)

// Server serves a Handler on a listener, in HTTP/1.1 and cleartext HTTP/2.
type Server struct {
	Handler *Handler
	// Ready gets the line "Serving HTTP on http://ADDR/" once requests are
	// accepted; nil gets none.
	Ready goio.Writer
	// DrainTimeout bounds how long Serve waits for requests under way once its
	// context is done; 0 means DefaultDrainTimeout.
	DrainTimeout time.Duration
	// ReadHeaderTimeout and IdleTimeout are those of net/http; 0 means 10 s and 2 min.
	ReadHeaderTimeout, IdleTimeout time.Duration
	// MaxHeaderBytes bounds a request's header; 0 means 256 KiB.
	MaxHeaderBytes int
}

// DefaultDrainTimeout is the default of Server.DrainTimeout.
const DefaultDrainTimeout = 30 * time.Second

// ErrNotDrained is the error of a Serve that had to break requests off.
var ErrNotDrained = errors.New("requests were still under way when the drain timeout passed; they were broken off")

// Serve accepts connections of ln until ctx is done. Then it stops accepting,
// waits for requests under way and their guests, and returns nil, or
// ErrNotDrained when it had to end them.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	srv := &gohttp.Server{
		Handler:           s.Handler,
		ReadHeaderTimeout: or(s.ReadHeaderTimeout, 10*time.Second),
		IdleTimeout:       or(s.IdleTimeout, 2*time.Minute),
		MaxHeaderBytes:    or(s.MaxHeaderBytes, 256<<10),
		Protocols:         new(gohttp.Protocols),
		HTTP2:             s.http2(),

		DisableGeneralOptionsHandler: true, // OPTIONS * is the guest's to answer
		ErrorLog:                     slog.NewLogLogger(s.Handler.log.Handler(), slog.LevelDebug),
	}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetUnencryptedHTTP2(true)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	if s.Ready != nil {
		fmt.Fprintf(s.Ready, "Serving HTTP on http://%s/\n", ln.Addr())
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	return s.drain(srv)
}

// http2 bounds what a client does to a whole connection of HTTP/2: whether it
// takes anything of it, and whether it is there at all.
func (s *Server) http2() *gohttp.HTTP2Config {
	c := &gohttp.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second}
	if after := s.Handler.cfg.ClientTimeout; after > 0 {
		c.WriteByteTimeout = after
	}
	return c
}

func (s *Server) drain(srv *gohttp.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), or(s.DrainTimeout, DefaultDrainTimeout))
	defer cancel()
	err := srv.Shutdown(ctx)
	if err == nil {
		err = s.Handler.Wait(ctx)
	}
	if err == nil {
		return nil
	}
	s.Handler.Cancel()
	// Guests end soon after; a moment for the last answers to go out.
	last, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = srv.Shutdown(last)
	_ = s.Handler.Wait(last)
	_ = srv.Close()
	return ErrNotDrained
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
