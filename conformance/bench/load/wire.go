package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strconv"
	"time"
)

// patience is how long a connection waits for a whole response.
const patience = 30 * time.Second

// answer is what a server says to a request.
type answer struct {
	Status int
	// Type is the content-type.
	Type string
	Body []byte
	// Sized says that it has a content-length.
	Sized bool
}

// same says whether two servers say the same, however it is framed.
func (a *answer) same(b *answer) bool {
	return a.Status == b.Status && a.Type == b.Type && bytes.Equal(a.Body, b.Body)
}

// conn is a client's connection.
type conn struct {
	net.Conn
	buf    [64 << 10]byte
	r, w   int  // what of buf is read but not used
	closes bool // the server closes it after this response
}

func dial(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// fill reads more, and makes room for it first.
func (c *conn) fill() error {
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	if c.w == len(c.buf) {
		if c.r == 0 {
			return errors.New("a line or header that is longer than 64 KiB")
		}
		c.w = copy(c.buf[:], c.buf[c.r:c.w])
		c.r = 0
	}
	n, err := c.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// until returns what comes before end, and goes past it. It is valid until the
// next read.
func (c *conn) until(end string) ([]byte, error) {
	for from := 0; ; {
		if i := bytes.Index(c.buf[c.r+from:c.w], []byte(end)); i >= 0 {
			b := c.buf[c.r : c.r+from+i]
			c.r += from + i + len(end)
			return b, nil
		}
		from = max(0, c.w-c.r-len(end)+1)
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// head is what a response says before its body.
type head struct {
	status  int
	length  int // -1: none is given
	chunked bool
	kind    []byte // content-type; valid until the next read
}

func (c *conn) head() (h head, err error) {
	b, err := c.until("\r\n\r\n")
	if err != nil {
		return h, err
	}
	line, rest, _ := bytes.Cut(b, []byte("\r\n"))
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return h, fmt.Errorf("the response begins with %.40q", line)
	}
	h.status, h.length = number(line[9:12]), -1
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case is(name, "content-length"):
			h.length = number(value)
		case is(name, "transfer-encoding"):
			h.chunked = is(value, "chunked")
		case is(name, "connection"):
			c.closes = is(value, "close")
		case is(name, "content-type"):
			h.kind = value
		}
	}
	return h, nil
}

// is compares with a name in lower case, without regard to case.
func is(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i := range b {
		if c := b[i]; c != name[i] && c|0x20 != name[i] {
			return false
		}
	}
	return true
}

// number is the number in decimal that b is, or -1.
func number(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' || n > (math.MaxInt-9)/10 {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

var errBody = errors.New("the body is not the one that was expected")

// body takes the bytes of a response's body as they come.
type body interface {
	take(b []byte) error
}

// expected is a body that is known.
type expected struct{ left []byte }

func (e *expected) take(b []byte) error {
	if len(b) > len(e.left) || !bytes.Equal(b, e.left[:len(b)]) {
		return errBody
	}
	e.left = e.left[len(b):]
	return nil
}

// kept is a body that is kept.
type kept struct{ b []byte }

func (k *kept) take(b []byte) error {
	k.b = append(k.b, b...)
	return nil
}

// part gives n bytes of a body to b.
func (c *conn) part(n int, to body) error {
	for n > 0 {
		if c.r == c.w {
			if err := c.fill(); err != nil {
				return err
			}
		}
		k := min(n, c.w-c.r)
		if err := to.take(c.buf[c.r : c.r+k]); err != nil {
			return err
		}
		c.r += k
		n -= k
	}
	return nil
}

func (c *conn) body(h head, to body) error {
	if !h.chunked {
		if h.length < 0 {
			return errors.New("a response without a length")
		}
		return c.part(h.length, to)
	}
	for {
		line, err := c.until("\r\n")
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return fmt.Errorf("the length of a chunk is %.20q", line)
		}
		if n == 0 {
			break
		}
		if err := c.part(int(n), to); err != nil {
			return err
		}
		if _, err := c.until("\r\n"); err != nil {
			return err
		}
	}
	for { // trailers
		line, err := c.until("\r\n")
		if err != nil || len(line) == 0 {
			return err
		}
	}
}

// ask sends a request and wants the answer: 0 is any status.
func (c *conn) ask(request []byte, status int, to body) (head, error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return head{}, err
	}
	if _, err := c.Write(request); err != nil {
		return head{}, err
	}
	h, err := c.head()
	if err != nil {
		return h, err
	}
	if status != 0 && h.status != status {
		return h, fmt.Errorf("status %d, not %d", h.status, status)
	}
	return h, c.body(h, to)
}

// probe asks once, over a connection of its own, and keeps the answer.
func probe(addr string, request []byte) (*answer, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	h, err := c.head()
	if err != nil {
		return nil, err
	}
	a := &answer{Status: h.status, Type: string(h.kind), Sized: h.length >= 0}
	var k kept
	err = c.body(h, &k)
	a.Body = k.b
	return a, err
}
