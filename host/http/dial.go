package http

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	gohttp "net/http"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"github.com/godwit-runtime/godwit/host/netpolicy"
)

// schemeKey is the context key of the *netpolicy.Scheme of the request that a
// dial is for.
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
func NewTransport(p *netpolicy.Policy, c TransportConfig) *gohttp.Transport {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		t, err := dialTarget(ctx, address)
		if err != nil {
			return nil, err
		}
		d := net.Dialer{
			Timeout:   30 * time.Second,
			KeepAlive: 30 * time.Second,
			Resolver:  c.Resolver,
			ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
				ap, err := netip.ParseAddrPort(address)
				if err != nil {
					return err
				}
				if denial := p.CheckAddr(t, ap.Addr()); denial != nil {
					return denial
				}
				return nil
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

// dialTarget is the target of a dial to address.
func dialTarget(ctx context.Context, address string) (t netpolicy.Target, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return t, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return t, err
	}
	scheme, ok := ctx.Value(schemeKey{}).(*netpolicy.Scheme)
	if !ok {
		return t, errors.New("a dial that no request asked for")
	}
	return netpolicy.Target{Scheme: scheme, Host: host, Port: uint16(n)}, nil
}
