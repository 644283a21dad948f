package main

import (
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// reply is a connection on which a server has said all that it will.
type reply struct {
	net.Conn
	read interface{ Read([]byte) (int, error) }
}

func (r reply) Read(b []byte) (int, error)    { return r.read.Read(b) }
func (r reply) Write(b []byte) (int, error)   { return len(b), nil }
func (r reply) SetDeadline(t time.Time) error { return nil }

func TestAResponseIsReadHoweverItIsFramedAndCut(t *testing.T) {
	cases := []struct {
		name, text string
		status     int
		body       string
		closes     bool
		err        string // part of it
	}{
		{name: "with a length", text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", status: 200, body: "hello"},
		{name: "of no bytes", text: "HTTP/1.1 204 No Content\r\ncontent-length:0\r\n\r\n", status: 204},
		{name: "in chunks", text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", status: 200, body: "hello"},
		{name: "with trailers", text: "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", status: 200, body: "x"},
		{name: "the last on its connection", text: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", status: 200, body: "x", closes: true},
		{name: "cut off in its head", text: "HTTP/1.1 200 OK\r\nContent-Le", err: "EOF"},
		{name: "cut off in its body", text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", err: "EOF"},
		{name: "cut off before its last chunk", text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", err: "EOF"},
		{name: "without a length", text: "HTTP/1.1 200 OK\r\n\r\n", err: "without a length"},
		{name: "with a length that is no number", text: "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", err: "without a length"},
		{name: "with a chunk of no length", text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", err: "length of a chunk"},
		{name: "not of HTTP", text: "SSH-2.0-x\r\n\r\n", err: "begins with"},
	}
	for _, c := range cases {
		for _, way := range []string{"at once", "byte by byte"} {
			t.Run(c.name+" "+way, func(t *testing.T) {
				r := reply{read: strings.NewReader(c.text)}
				if way == "byte by byte" {
					r.read = iotest.OneByteReader(strings.NewReader(c.text))
				}
				cn := &conn{Conn: r}
				var got kept
				h, err := cn.ask(nil, 0, &got)
				if c.err != "" {
					if err == nil || !strings.Contains(err.Error(), c.err) {
						t.Fatalf("err is %v, wanted one of %q", err, c.err)
					}
					return
				}
				if err != nil || h.status != c.status || string(got.b) != c.body || cn.closes != c.closes {
					t.Errorf("got %d %q, closes %v, %v", h.status, got.b, cn.closes, err)
				}
				if cn.r != cn.w {
					t.Errorf("%d bytes are left", cn.w-cn.r)
				}
			})
		}
	}
}

func TestAnswersAreCompared(t *testing.T) {
	const text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	cases := []struct {
		name string
		want answer
		ok   bool
	}{
		{"the same", answer{Status: 200, Body: []byte("hello")}, true},
		{"another status", answer{Status: 201, Body: []byte("hello")}, false},
		{"another byte", answer{Status: 200, Body: []byte("hullo")}, false},
		{"a longer one", answer{Status: 200, Body: []byte("hello!")}, false},
		{"a shorter one", answer{Status: 200, Body: []byte("hell")}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cn := &conn{Conn: reply{read: strings.NewReader(text)}}
			if err := cn.check(nil, &c.want); (err == nil) != c.ok {
				t.Errorf("err is %v", err)
			}
		})
	}
}
