package http

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/godwit-runtime/godwit/host/netpolicy"
)

// The schemes of outbound requests.
var (
	schemeHTTPS = &netpolicy.Scheme{Name: "https", Port: 443, What: "outbound request to", Flag: "--allow-outbound"}
	schemeHTTP  = &netpolicy.Scheme{Name: "http", Port: 80, What: "outbound request to", Flag: "--allow-outbound"}

	schemes = []*netpolicy.Scheme{schemeHTTPS, schemeHTTP}
)

// ParsePolicy makes a Policy of patterns whose schemes are http and https.
func ParsePolicy(patterns []string) (*netpolicy.Policy, error) {
	return netpolicy.Parse(schemes, patterns)
}

// targetOf is where a request to u goes. The scheme is http or https and the
// port a number: OutgoingRequest.url sees to that.
func targetOf(u *url.URL) netpolicy.Target {
	t := netpolicy.Target{Scheme: schemeHTTP, Host: strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))}
	if u.Scheme == schemeHTTPS.Name {
		t.Scheme = schemeHTTPS
	}
	t.Port = t.Scheme.Port
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		t.Port = uint16(n)
	}
	return t
}
