package http

import (
	"context"
	"crypto/tls"
	"net"
	gohttp "net/http"
	"net/netip"
	"syscall"
	"time"
)

// schemeKey is the context key of the scheme of the request that a dial is for.
type schemeKey struct{}

// TransportConfig configures NewTransport. The zero value is good.
type TransportConfig struct {
	// TLS has custom roots and the like; nil means the system's.
	TLS *tls.Config
	// Resolver looks names up; nil means the system's.
	Resolver *net.Resolver
	// MaxConnsPerHost bounds connections to one host; 0 is no bound.
	MaxConnsPerHost int
}

// NewTransport returns a pooled transport that dials only where p allows: it
// looks at the address after the name was resolved. It follows the host's
// proxy settings no more than the guest's wishes: there is no proxy.
func NewTransport(p *Policy, c TransportConfig) *gohttp.Transport {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		scheme, _ := ctx.Value(schemeKey{}).(string)
		t := target{scheme: scheme, host: host, port: port}
		d := net.Dialer{
			Timeout:   30 * time.Second,
			KeepAlive: 30 * time.Second,
			Resolver:  c.Resolver,
			ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
				ap, err := netip.ParseAddrPort(address)
				if err != nil {
					return err
				}
				return p.checkAddr(t, ap.Addr())
			},
		}
		return d.DialContext(ctx, network, address)
	}
	return &gohttp.Transport{
		DialContext:            dial,
		TLSClientConfig:        c.TLS,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // the guest sees what the server sent
		MaxIdleConns:           512,
		MaxIdleConnsPerHost:    64,
		MaxConnsPerHost:        c.MaxConnsPerHost,
		IdleConnTimeout:        90 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		WriteBufferSize:        16 << 10,
		ReadBufferSize:         16 << 10,
	}
}
