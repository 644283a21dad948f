package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// process is a server that runs as a process.
type process struct {
	name string
	addr string
	cmd  *exec.Cmd
	out  *tail
	done chan struct{} // closed when the process has ended
	err  error         // how; valid once done is closed
}

// usage is what a process has used so far.
type usage struct {
	cpu  time.Duration
	peak int64 // bytes of memory
	ok   bool  // the system says
}

// tail keeps the end of what a process prints.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	t.b = t.b[max(0, len(t.b)-4<<10):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.b))
}

// freeAddr is a loopback address that nobody listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// start starts a server; {addr} and {wasm} in args stand for where it is to
// listen and the component's file.
func start(ctx context.Context, name string, args []string, wasm string, stdin io.Reader) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	own := make([]string, len(args))
	for i, a := range args {
		own[i] = strings.NewReplacer("{addr}", addr, "{wasm}", wasm).Replace(a)
	}
	s := &process{name: name, addr: addr, out: &tail{}, done: make(chan struct{})}
	s.cmd = exec.CommandContext(ctx, own[0], own[1:]...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = stdin, s.out, s.out
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	return s, nil
}

// startTime bounds how long a server may take to answer at all: it may compile.
const startTime = 2 * time.Minute

// ready waits until the server answers, and returns what.
func (s *process) ready(request []byte) (*answer, error) {
	var last error
	for end := time.Now().Add(startTime); time.Now().Before(end); time.Sleep(500 * time.Microsecond) {
		select {
		case <-s.done:
			return nil, fmt.Errorf("%s ended before it answered: %v\n%s", s.name, s.err, s.out)
		default:
		}
		a, err := probe(s.addr, request)
		if err == nil {
			return a, nil
		}
		last = err
	}
	return nil, fmt.Errorf("%s does not answer: %v\n%s", s.name, last, s.out)
}

// stop ends the server.
func (s *process) stop() {
	if s.cmd.Process.Signal(os.Interrupt) != nil {
		_ = s.cmd.Process.Kill() // Windows has no interrupt
	}
	select {
	case <-s.done:
	case <-time.After(5 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}

func (s *process) usage() usage { return usageOf(s.cmd.Process.Pid) }
