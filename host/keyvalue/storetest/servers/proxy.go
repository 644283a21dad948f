package servers

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is in front of a server, and makes it fail.
type Proxy struct {
	Addr   string
	target string
	ln     net.Listener

	mu     sync.Mutex
	fails  bool
	stalls bool
	next   int // how it fails the next time
	conns  map[*pair]struct{}
}

// pair is a connection and its continuation.
type pair struct{ client, server net.Conn }

func (p *pair) close() {
	for _, c := range []net.Conn{p.client, p.server} {
		if c != nil {
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // a reset: nobody waits for what was on its way
			}
			_ = c.Close()
		}
	}
}

// NewProxy starts a proxy for the server at target. It ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: ln.Addr().String(), target: target, ln: ln, conns: map[*pair]struct{}{}}
	go p.accept()
	t.Cleanup(func() {
		_ = ln.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		for c := range p.conns {
			c.close()
		}
	})
	return p
}

// Fail makes the server fail until Mend, each time in another way: connections
// are reset and new ones too; or nothing more comes through; or what is answered
// is lost, after it was done.
func (p *Proxy) Fail() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails = true
	p.next++
	p.stalls = p.next%3 == 2
	switch p.next % 3 {
	case 0:
		time.AfterFunc(10*time.Millisecond, p.reset) // requests get through, replies do not
	case 1:
		for c := range p.conns {
			c.close()
		}
	}
}

func (p *Proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fails {
		for c := range p.conns {
			c.close()
		}
	}
}

// Mend makes the server answer again. What was held up is lost.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails, p.stalls = false, false
	for c := range p.conns {
		c.close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.ln.Accept()
		if err != nil {
			return
		}
		go p.serve(&pair{client: client})
	}
}

func (p *Proxy) serve(c *pair) {
	p.mu.Lock()
	p.conns[c] = struct{}{}
	fails, stalls := p.fails, p.stalls
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.conns, c)
		c.close()
		p.mu.Unlock()
	}()
	if fails {
		if stalls {
			_, _ = io.Copy(io.Discard, c.client) // accepted, and never answered
		}
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	p.mu.Lock()
	c.server = server
	p.mu.Unlock()
	done := make(chan struct{}, 2)
	go p.copy(server, c.client, false, done)
	go p.copy(c.client, server, true, done)
	<-done
}

// copy passes bytes on while nothing fails. replies says in which direction.
func (p *Proxy) copy(to, from net.Conn, replies bool, done chan<- struct{}) {
	defer func() { done <- struct{}{} }()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			p.mu.Lock()
			lost := p.fails && (p.stalls || replies)
			p.mu.Unlock()
			if !lost {
				if _, err := to.Write(b[:n]); err != nil {
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}
