package bindgen

import (
	"go/token"
	"strconv"
	"strings"
)

// initialisms are the words that Go writes in one case, by their lower-case form.
var initialisms = map[string]string{
	"acl": "ACL", "api": "API", "ascii": "ASCII", "cpu": "CPU", "css": "CSS",
	"dns": "DNS", "eof": "EOF", "guid": "GUID", "html": "HTML", "http": "HTTP",
	"https": "HTTPS", "id": "ID", "io": "IO", "ip": "IP", "ipv4": "IPv4",
	"ipv6": "IPv6", "json": "JSON", "ram": "RAM", "rpc": "RPC", "sql": "SQL",
	"ssh": "SSH", "tcp": "TCP", "tls": "TLS", "ttl": "TTL", "udp": "UDP",
	"ui": "UI", "uid": "UID", "uri": "URI", "url": "URL", "utf8": "UTF8",
	"uuid": "UUID", "vm": "VM", "xml": "XML",
}

// camel turns a kebab-case name into an exported Go name.
func camel(kebab string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(kebab, "-") {
		b.WriteString(titleWord(word))
	}
	return b.String()
}

func titleWord(word string) string {
	if word == "" {
		return ""
	}
	word = strings.ToLower(word)
	if up, ok := initialisms[word]; ok {
		return up
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// lowerCamel turns a kebab-case name into an unexported Go name.
func lowerCamel(kebab string) string {
	first, rest, _ := strings.Cut(kebab, "-")
	first = strings.ToLower(first)
	if rest == "" {
		return first
	}
	return first + camel(rest)
}

// unexport lowers the first word of an exported Go name: HTTPErrorCode becomes httpErrorCode.
func unexport(name string) string {
	n := 0
	for n < len(name) && (name[n] >= 'A' && name[n] <= 'Z' || name[n] >= '0' && name[n] <= '9') {
		n++
	}
	switch {
	case n == len(name):
		return strings.ToLower(name)
	case n > 1:
		n-- // the last capital starts the next word
	}
	return strings.ToLower(name[:n]) + name[n:]
}

// niceParams renames parameters whose WIT name cannot or should not be a Go
// parameter. What is not here gets the suffix Arg.
var niceParams = map[string]string{
	"len": "length", "type": "typ", "func": "fn", "map": "m", "range": "rng",
	"string": "str", "cap": "capacity", "var": "variable", "package": "pkg",
	"default": "def", "interface": "iface", "new": "newValue",
}

// notParams are the names that generated bodies and signatures use themselves,
// and Go names that a parameter should not hide.
var notParams = setOf(
	"ctx", "err", "cx", "inst", "call", "stack", "mem", "ptr", "out", "self",
	"ret", "host", "x", "r", "v", "abi", "engine", "types", "context", "l",
	"e", "result", "from", "binary", "exported", "any", "append", "bool", "byte", "cap", "clear", "close", "complex",
	"copy", "delete", "error", "false", "float32", "float64", "imag", "int",
	"int16", "int32", "int64", "int8", "iota", "len", "make", "max", "min",
	"new", "nil", "panic", "print", "println", "real", "recover", "rune",
	"string", "true", "uint", "uint16", "uint32", "uint64", "uint8", "uintptr",
)

func setOf(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

// scope hands out Go names that are unique within it.
type scope struct{ taken map[string]bool }

func newScope(reserved ...string) *scope { return &scope{taken: setOf(reserved...)} }

// pick takes the first candidate that is free; when none is, the last one with
// the smallest number that makes it free.
func (s *scope) pick(candidates ...string) string {
	for _, c := range candidates {
		if !s.taken[c] {
			s.taken[c] = true
			return c
		}
	}
	last := candidates[len(candidates)-1]
	for n := 2; ; n++ {
		c := last + strconv.Itoa(n)
		if !s.taken[c] {
			s.taken[c] = true
			return c
		}
	}
}

// param picks the Go name of a parameter.
func (s *scope) param(kebab string) string {
	want := lowerCamel(kebab)
	if nice, ok := niceParams[want]; ok {
		want = nice
	}
	if want[0] >= '0' && want[0] <= '9' {
		want = "arg" + want
	}
	if token.IsKeyword(want) || notParams[want] || strings.HasPrefix(want, "wasi") {
		return s.pick(want + "Arg")
	}
	return s.pick(want, want+"Arg")
}

// goosOrArch are the endings that make the go command build a file for some
// platforms only, or as a test.
var goosOrArch = setOf(
	"test", "aix", "android", "darwin", "dragonfly", "freebsd", "hurd",
	"illumos", "ios", "js", "linux", "nacl", "netbsd", "openbsd", "plan9",
	"solaris", "wasip1", "windows", "zos", "386", "amd64", "amd64p32", "arm",
	"armbe", "arm64", "arm64be", "loong64", "mips", "mipsle", "mips64",
	"mips64le", "mips64p32", "mips64p32le", "ppc", "ppc64", "ppc64le", "riscv",
	"riscv64", "s390", "s390x", "sparc", "sparc64", "wasm",
)

// fileName is the name of a Go file for a kebab-case name, without ".go".
func fileName(kebab string) string {
	words := strings.Split(strings.ToLower(kebab), "-")
	name := strings.Join(words, "_")
	if goosOrArch[words[len(words)-1]] && len(words) > 1 {
		name += "_wit"
	}
	return name
}
