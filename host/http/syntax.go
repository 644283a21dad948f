package http

import (
	"net/url"
	"strings"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
)

// forbidden are the fields that belong to a connection, not to a message: the
// host sets them. Guests neither set nor see them.
var forbidden = [...]string{
	"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
	"transfer-encoding", "upgrade", "host", "http2-settings",
}

func isForbidden(name string) bool {
	for _, f := range forbidden {
		if strings.EqualFold(f, name) {
			return true
		}
	}
	return false
}

// lowerName is a field name of net/http in lower case.
func lowerName(name string) string {
	switch name { // the ones that nearly every request has, without allocating
	case "Accept":
		return "accept"
	case "Accept-Encoding":
		return "accept-encoding"
	case "Accept-Language":
		return "accept-language"
	case "Content-Length":
		return "content-length"
	case "Content-Type":
		return "content-type"
	case "Cookie":
		return "cookie"
	case "User-Agent":
		return "user-agent"
	case "X-Forwarded-For":
		return "x-forwarded-for"
	}
	return strings.ToLower(name)
}

// isToken says whether s is a token of HTTP: a field name or a method.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// isFieldValue says whether b may be a field value: no control characters but tab.
func isFieldValue(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !isAlphanumeric(c) && (i == 0 || strings.IndexByte("+-.", c) < 0) {
			return false
		}
	}
	return s != "" && (s[0] < '0' || s[0] > '9')
}

// isPathWithQuery says whether s may be what a request line names.
func isPathWithQuery(s string) bool {
	if s == "" || s == "*" {
		return true
	}
	if s[0] != '/' && s[0] != '?' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == 0x7f || strings.IndexByte("#<>\\^`", c) >= 0 {
			return false
		}
	}
	_, err := url.Parse("http://h" + s)
	return err == nil
}

// isAuthority says whether s is host, host:port or user@host:port.
func isAuthority(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("/?#\\", c) >= 0 {
			return false
		}
	}
	u, err := url.Parse("http://" + s + "/")
	return err == nil && u.Hostname() != "" && isPort(u.Port(), u.Host) && u.Path == "/"
}

// isPort says whether a port is absent or a number; host tells "h" from "h:".
func isPort(port, host string) bool {
	if port == "" {
		return !strings.HasSuffix(host, ":")
	}
	n := 0
	for i := 0; i < len(port); i++ {
		if n = n*10 + int(port[i]-'0'); n > 65535 {
			return false
		}
	}
	return true
}

var methods = [...]string{
	wasihttp.MethodGet:     "GET",
	wasihttp.MethodHead:    "HEAD",
	wasihttp.MethodPost:    "POST",
	wasihttp.MethodPut:     "PUT",
	wasihttp.MethodDelete:  "DELETE",
	wasihttp.MethodConnect: "CONNECT",
	wasihttp.MethodOptions: "OPTIONS",
	wasihttp.MethodTrace:   "TRACE",
	wasihttp.MethodPatch:   "PATCH",
}

func methodOf(s string) wasihttp.Method {
	for tag, name := range methods {
		if name == s {
			return wasihttp.Method{Tag: wasihttp.MethodTag(tag)}
		}
	}
	return wasihttp.Method{Tag: wasihttp.MethodOther, Other: s}
}

func methodName(m wasihttp.Method) string {
	if m.Tag == wasihttp.MethodOther {
		return m.Other
	}
	return methods[m.Tag]
}
