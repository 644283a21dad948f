package server_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/server"
)

// A component is an http.Handler: each request is answered in a pristine instance.
func Example() {
	ctx := context.Background()
	wasm, err := os.ReadFile("../../examples/hello/hello.wasm")
	if err != nil {
		log.Fatal(err)
	}
	e, err := engine.New(ctx, engine.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close(ctx)
	c, err := e.Compile(ctx, wasm)
	if err != nil {
		log.Fatal(err)
	}
	grants := host.Config{} // nothing
	l := e.NewLinker()
	l.Hint = host.Hint
	if err := host.Link(l, grants); err != nil {
		log.Fatal(err)
	}
	linked, err := l.Link(ctx, c)
	if err != nil {
		log.Fatal(err)
	}
	guest, err := server.NewComponent(linked, engine.InstanceConfig{MemoryLimit: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer guest.Close(ctx)
	handler := server.New(guest, server.Config{Host: grants, Timeout: 10 * time.Second})

	s := httptest.NewServer(handler)
	defer s.Close()
	resp, err := http.Get(s.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Status)
	fmt.Print(string(b))
	// Output:
	// 200 OK
	// Hello from godwit!
}
