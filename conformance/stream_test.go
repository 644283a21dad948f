package conformance

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/host/server"
)

// pattern is an endless body in which a lost or doubled piece shows.
type pattern struct{ at int64 }

func (p *pattern) Read(b []byte) (int, error) {
	for k := range b {
		b[k] = byte(p.at % 251)
		p.at++
	}
	return len(b), nil
}

// check counts what it is given and compares it with the pattern.
type check struct {
	want pattern
	buf  []byte
}

func (c *check) Write(b []byte) (int, error) {
	if cap(c.buf) < len(b) {
		c.buf = make([]byte, len(b))
	}
	want := c.buf[:len(b)]
	at := c.want.at
	_, _ = c.want.Read(want)
	if !bytes.Equal(b, want) {
		return 0, fmt.Errorf("the bytes at %d are not those that were sent", at)
	}
	return len(b), nil
}

// peakMemory is the most memory that a process has had, in bytes.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(b)
	if m == nil {
		t.Fatal("/proc says nothing of VmHWM")
	}
	kb, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

func TestABodyOfAGibibyteIsEchoedInLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it moves a GiB")
	}
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read from /proc")
	}
	const size = 1 << 30
	p := start(t, torture)
	resp, err := http.Post(p.url+"/echo", "application/octet-stream", io.LimitReader(&pattern{}, size))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(&check{}, resp.Body)
	if err != nil || n != size {
		t.Fatalf("%d bytes came back: %v", n, err)
	}
	if peak := peakMemory(t, p.cmd.Process.Pid); peak > 200<<20 {
		t.Errorf("the process had %d MiB at its peak", peak>>20)
	} else {
		t.Logf("peak memory %d MiB", peak>>20)
	}
}

// The guest writes a response without end. Once nobody reads it, the host must
// stop the guest instead of taking more.
func TestASlowReaderSlowsTheGuest(t *testing.T) {
	onEngines(t, torture, 64<<20, server.Config{Timeout: 60 * time.Second}, func(t *testing.T, s *served) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /big?bytes=%d HTTP/1.1\r\nHost: x\r\n\r\n", int64(1)<<32)
		var before, after runtime.MemStats
		time.Sleep(300 * time.Millisecond)
		runtime.ReadMemStats(&before)
		time.Sleep(700 * time.Millisecond)
		runtime.ReadMemStats(&after)
		if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 16<<20 {
			t.Errorf("%d bytes were allocated while nobody read", grown)
		}
		r := bufio.NewReader(conn)
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.CopyN(&check{}, resp.Body, 8<<20); err != nil {
			t.Errorf("%d bytes could be read afterwards: %v", n, err)
		}
	})
}

func TestServerSentEventsArriveOneByOne(t *testing.T) {
	onEngines(t, torture, 64<<20, server.Config{Timeout: 60 * time.Second}, func(t *testing.T, s *served) {
		resp, err := http.Get(s.url + "/sse?n=100&ms=10")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		r := bufio.NewReader(resp.Body)
		apart := 0
		last := time.Now()
		for i := range 100 {
			line, err := r.ReadString('\n')
			if err != nil || line != fmt.Sprintf("data: %d\n", i) {
				t.Fatalf("event %d is %q, %v", i, line, err)
			}
			if _, err := r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			// An event that waited for the next one would come together with it.
			if i > 0 && r.Buffered() == 0 && time.Since(last) > time.Millisecond {
				apart++
			}
			last = time.Now()
		}
		if apart < 90 {
			t.Errorf("%d of 99 events came apart from the one before", apart)
		}
		if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("after the last event: %v", err)
		}
	})
}

func TestAClientThatGoesAwayEndsTheGuest(t *testing.T) {
	onEngines(t, torture, 64<<20, server.Config{Timeout: 60 * time.Second}, func(t *testing.T, s *served) {
		for _, path := range []string{"/sse?n=100000&ms=5", "/loop", "/big?bytes=99999999999", "/sleep?ms=60000"} {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
			time.Sleep(50 * time.Millisecond)
			conn.Close()
		}
		// serve's cleanup waits for guests for 10 s and fails when one is left.
	})
}

func TestDrainingLetsRequestsFinish(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGTERM")
	}
	p := start(t, torture)
	answered := make(chan error, 1)
	go func() {
		resp, err := http.Get(p.url + "/sleep?ms=700")
		if err == nil {
			var b []byte
			b, err = io.ReadAll(resp.Body)
			resp.Body.Close()
			if err == nil && string(b) != "slept\n" {
				err = fmt.Errorf("the body is %q", b)
			}
		}
		answered <- err
	}()
	time.Sleep(300 * time.Millisecond)
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Errorf("the request under way: %v", err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the server: %v", err)
	}
}
