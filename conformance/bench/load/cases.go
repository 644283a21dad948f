package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// httpCase is a request that servers answer under load.
type httpCase struct {
	name, about  string
	wasm         string // from the root of the repository
	method, path string
	body         int // bytes of the request's body
	echo         bool
}

const torture = "conformance/guests/torture/torture.wasm"

var httpCases = []httpCase{
	{name: "hello", about: "a short answer, from C", wasm: "examples/hello/hello.wasm", method: "GET", path: "/"},
	{name: "api", about: "a short answer in JSON, from Rust", wasm: "examples/api/api.wasm", method: "GET", path: "/greetings/world"},
	{name: "fields", about: "an answer that lists the request's fields, from Rust", wasm: torture, method: "GET", path: "/headers"},
	{name: "echo", about: "64 KiB into a guest's memory and back, Rust", wasm: torture, method: "POST", path: "/echo", body: 64 << 10, echo: true},
	{name: "splice", about: "64 KiB from stream to stream, C", wasm: "examples/echo/echo.wasm", method: "POST", path: "/", body: 64 << 10, echo: true},
	{name: "stream", about: "an answer of 1 MiB, written piece by piece, from Rust", wasm: torture, method: "GET", path: "/big?bytes=1048576"},
	{name: "go", about: "a short answer, from Go", wasm: "examples/go/go.wasm", method: "GET", path: "/"},
	{name: "javascript", about: "a short answer, from JavaScript", wasm: "examples/javascript/javascript.wasm", method: "GET", path: "/"},
}

// present says whether the guest of a case is built: the large ones are not
// committed.
func (c *httpCase) present(o *options) error {
	if _, err := os.Stat(o.file(c.wasm)); err != nil {
		return fmt.Errorf("%w; make guests-large builds the guests that are not committed", err)
	}
	return nil
}

// request is the request as it goes over the wire.
func (c *httpCase) request() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: godwit-load\r\nAccept: */*\r\n", c.method, c.path)
	if c.body > 0 {
		fmt.Fprintf(&b, "Content-Type: application/octet-stream\r\nContent-Length: %d\r\n", c.body)
	}
	b.WriteString("\r\n")
	for i := range c.body {
		b.WriteByte(byte(i % 251)) // so that a lost or doubled piece shows
	}
	return []byte(b.String())
}

// servers are the servers that answer a case.
func (o *options) servers(timeout string) []serverSpec {
	var out []serverSpec
	for _, name := range o.engines {
		args := []string{o.godwit, "serve", "--addr", "{addr}", "--engine", name, "{wasm}"}
		if timeout != "" {
			args = append(args, "-W", "timeout="+timeout)
		}
		out = append(out, serverSpec{name: name, args: args})
	}
	return out
}

// serverSpec is how to start a server.
type serverSpec struct {
	name string
	args []string
}

func (o *options) file(wasm string) string { return filepath.Join(o.root, filepath.FromSlash(wasm)) }
