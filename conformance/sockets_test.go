package conformance

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasicli"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/cli"
	"github.com/godwit-runtime/godwit/host/sockets"
)

// program runs a component that exports wasi:cli/run, once or more.
type program struct {
	t      *testing.T
	linked *engine.Linked
	run    *wasicli.RunExport
}

func newProgram(t *testing.T, kind engine.Kind, path string) *program {
	t.Helper()
	linked := link(t, kind, path)
	run, err := wasicli.FindRun(linked)
	if err != nil {
		t.Fatal(err)
	}
	return &program{t, linked, run}
}

// start runs the program with arguments and patterns of sockets. The output ends
// with the program; code gets its exit code.
func (p *program) start(patterns string, log io.Writer, args ...string) (output *bufio.Reader, code <-chan int) {
	p.t.Helper()
	policy, err := sockets.ParsePolicy(strings.Fields(patterns))
	if err != nil {
		p.t.Fatal(err)
	}
	r, w := io.Pipe()
	cfg := host.Config{
		Args:    append([]string{"program"}, args...),
		Stdout:  w,
		Network: &sockets.Network{Policy: policy},
		Log:     slog.New(slog.NewTextHandler(log, nil)),
	}
	ended := make(chan int, 1)
	go func() {
		defer w.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		st := cfg.NewState(ctx)
		defer st.Close()
		inst, err := p.linked.Instantiate(ctx, engine.InstanceConfig{Host: st})
		if err != nil {
			p.t.Error(err)
			ended <- -1
			return
		}
		code, err := cli.Run(ctx, p.run, inst)
		if err != nil {
			p.t.Error(err)
		}
		_ = inst.Close(ctx)
		ended <- code
	}()
	return bufio.NewReader(r), ended
}

// output runs the program to its end.
func (p *program) output(patterns string, log io.Writer, args ...string) (string, int) {
	p.t.Helper()
	r, code := p.start(patterns, log, args...)
	b, _ := io.ReadAll(r)
	return string(b), <-code
}

// port is the line with which a server says where it is.
func port(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

const socketsGuest = "../conformance/guests/sockets/sockets.wasm"

// TestSocketsOfGuests: guests talk to each other over the loopback, and the one
// side sees what the other does.
func TestSocketsOfGuests(t *testing.T) {
	for _, k := range engines {
		t.Run(k.String(), func(t *testing.T) {
			p := newProgram(t, k, socketsGuest)
			for _, c := range []struct{ name, serve, connect, scheme string }{
				{"TCP", "serve", "connect", "tcp"},
				{"UDP", "serve-udp", "send", "udp"},
			} {
				t.Run(c.name, func(t *testing.T) {
					var all sync.WaitGroup
					for range 8 {
						all.Go(func() {
							server, served := p.start(c.scheme+"-listen://127.0.0.1:*", io.Discard, c.serve)
							at := port(t, server)
							got, code := p.output(c.scheme+"://localhost:"+at, io.Discard, c.connect, "localhost", at, "hello")
							if got != "hello\n" || code != 0 {
								t.Errorf("%q, exit code %d", got, code)
							}
							if code := <-served; code != 0 {
								t.Errorf("the server's exit code is %d", code)
							}
						})
					}
					all.Wait()
				})
			}
		})
	}
}

func TestSocketsOfAGuestThatIsNotAllowedThem(t *testing.T) {
	p := newProgram(t, engine.Auto, socketsGuest)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, at, _ := net.SplitHostPort(l.Addr().String())
	for _, c := range []struct{ name, patterns, args, output, log string }{
		{"nothing", "", "connect localhost " + at, "lookup: access-denied\n", "--allow-socket tcp://localhost:PORT"},
		{"nothing, to an address", "", "connect 127.0.0.1 " + at, "create: access-denied\n", "--allow-socket tcp://HOST:PORT"},
		{"another port", "tcp://localhost:1", "connect localhost " + at, "connect: access-denied\n", "--allow-socket tcp://localhost:" + at},
		{"to connect, not to listen", "tcp://*:*", "serve", "listen: access-denied\n", "--allow-socket tcp-listen://127.0.0.1:"},
		{"another peer", "udp://localhost:1", "send localhost " + at, "stream: access-denied\n", "--allow-socket udp://localhost:" + at},
		{"UDP at all", "tcp://*:*", "serve-udp", "create: access-denied\n", "--allow-socket udp://HOST:PORT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			got, code := p.output(c.patterns, &log, strings.Fields(c.args)...)
			if got != c.output || code != 1 {
				t.Errorf("%q, exit code %d", got, code)
			}
			if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), c.log) {
				t.Errorf("the operator is told %q", log.String())
			}
		})
	}
}

// TestConnectionEndsWithItsGuest: one that drops nothing leaves nothing behind.
func TestConnectionEndsWithItsGuest(t *testing.T) {
	p := newProgram(t, engine.Auto, socketsGuest)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, at, _ := net.SplitHostPort(l.Addr().String())
	if got, code := p.output("tcp://127.0.0.1:*", io.Discard, "leave", "127.0.0.1", at); got != "" || code != 0 {
		t.Fatalf("%q, exit code %d", got, code)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatal(n, err)
	}
}
