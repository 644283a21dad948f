package conformance

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/host/server"
)

const torture = "guests/torture/torture.wasm"

// mebibytes is what the route /alloc says.
var mebibytes = regexp.MustCompile(`^(\d+) MiB\n$`)

func TestGuestsThatFailGetAStatusAndALine(t *testing.T) {
	const (
		aborted = 0
		// late is a failure before anything was sent, as far as the host could see
		// in time: a 500, or else broken off.
		late = -1
	)
	cases := []struct {
		name, path string
		status     int
		log        string // part of the one line that the operator gets; "" for none
	}{
		{"a trap", "/trap", 500, "unreachable"},
		{"a division by zero", "/div0", 500, "integer divide by zero"},
		{"an access out of bounds", "/oob", 500, "out of bounds memory access"},
		{"endless recursion", "/recurse", 500, "call stack exhausted"},
		{"a handle that is not there", "/null-handle", 500, "unknown handle index 0"},
		{"an exit", "/exit?code=3", 500, "the guest exited with code 3"},
		{"no response", "/no-response", 500, "the guest never set its response"},
		{"a dropped outparam", "/drop-outparam", 500, "the guest never set its response"},
		{"a loop past the timeout", "/loop", 504, "-W timeout="},
		{"a sleep past the timeout", "/sleep?ms=60000", 504, "-W timeout="},
		{"memory up to the limit", "/alloc", 200, ""},
		{"a trap after the first bytes", "/trap-mid", aborted, "unreachable"},
		{"a body shorter than declared", "/partial", aborted, "HTTP-response-body-size"},
		{"a body longer than declared", "/over", late, "HTTP-response-body-size"},
		{"an outbound request that is not allowed", "/fetch?url=http://example.com/", 502, "--allow-outbound"},
	}
	onEngines(t, torture, 24<<20, server.Config{Timeout: time.Minute}, func(t *testing.T, patient *served) {
		hasty := patient.again(t, server.Config{Timeout: time.Second})
		for _, c := range cases {
			s := patient
			if c.status == http.StatusGatewayTimeout {
				s = hasty
			}
			t.Run(c.name, func(t *testing.T) {
				status, body, err := s.do(t, c.path)
				if c.status == late && err == nil {
					c.status = 500
				}
				if c.status == aborted || c.status == late {
					if err == nil {
						t.Errorf("the client got the whole of %q, wanted its connection broken off", body)
					}
				} else if err != nil || status != c.status {
					t.Errorf("the client got %d %q, %v; wanted %d", status, body, err, c.status)
				}
				if c.status >= 500 && c.log != "--allow-outbound" && strings.TrimSpace(body) != http.StatusText(c.status) {
					t.Errorf("the body %q says more than the status", body)
				}
				want := 1
				if c.log == "" {
					want = 0
				}
				if m := mebibytes.FindStringSubmatch(body); m != nil {
					if n, _ := strconv.Atoi(m[1]); n < 20 || n > 24 {
						t.Errorf("the guest got %d MiB of the 24 it may have", n)
					}
				} else if c.path == "/alloc" {
					t.Errorf("the body is %q", body)
				}
				got := s.log.settled(want)
				if len(got) != want || want == 1 && !strings.Contains(got[0], c.log) {
					t.Errorf("the operator got %q, wanted one line with %q", got, c.log)
				}
				if status, body, err := s.do(t, "/"); err != nil || status != 200 {
					t.Errorf("the next request: %d %q, %v", status, body, err)
				}
			})
		}
	})
}

// Most programs do not survive that they get no memory: theirs is a trap like
// any other.
func TestAGuestThatNeedsMoreMemoryThanItMayHave(t *testing.T) {
	const limit = 8 << 20
	cfg := server.Config{Timeout: time.Minute}
	onEngines(t, "../examples/api/api.wasm", limit, cfg, func(t *testing.T, s *served) {
		for _, c := range []struct {
			path   string
			status int
			body   string
		}{
			{"/primes/50000000", 500, "Internal Server Error\n"},
			{"/primes/1000000", 200, `{"below":1000000,"primes":78498}` + "\n"},
		} {
			r := request{target: c.path, status: c.status, want: c.body}
			if err := r.exchange(http.DefaultClient, s.url, ""); err != nil {
				t.Error(err)
			}
		}
		if got := s.log.settled(1); len(got) != 1 || !strings.Contains(got[0], "guest trapped") {
			t.Errorf("the operator got %q, wanted one line about a trap", got)
		}
	})
}

func TestGuestsSeeTheRequestAndTheClientTheResponse(t *testing.T) {
	cases := []struct {
		name, method, path, body string
		header                   http.Header
		status                   int
		want                     string // regular expression
		trailer                  string
	}{
		{"a status", "GET", "/status?code=418", "", nil, 418, `^status\n$`, ""},
		{"HEAD has no body", "HEAD", "/status?code=201", "", nil, 201, `^$`, ""},
		{"a body that is read", "POST", "/sink", "12345", nil, 200, `^5\n$`, ""},
		{"a body that is sent back", "POST", "/echo", "to and fro", nil, 200, `^to and fro$`, ""},
		{"a response before the body is read", "POST", "/early", "abc", nil, 200, `^early\nthen 3 bytes\n$`, ""},
		{"trailers", "GET", "/trailers", "", nil, 200, `^trailers follow\n$`, "yes"},
		{"header fields", "GET", "/headers", "", http.Header{"X-A": {"1", "2"}}, 200, `(?s)x-a: 1.*x-a: 2`, ""},
		{"a length", "GET", "/big?bytes=900", "", nil, 200, `(?s)^.{900}$`, ""},
		{"no directories", "GET", "/fs", "", nil, 200, `^no preopens\n$`, ""},
		{"no sockets", "GET", "/socket", "", nil, 200, `access-denied`, ""},
		{"random bytes", "GET", "/random", "", nil, 200, `^[0-9a-f]{32}\n$`, ""},
		{"clocks", "GET", "/clock", "", nil, 200, `^wall \d+\.\d+\nelapsed \d+\n`, ""},
		{"the environment it was given", "GET", "/env", "", nil, 200, `^$`, ""},
		{"no such route", "GET", "/nowhere", "", nil, 404, `^no such route\n$`, ""},
	}
	// What the operator is told, where it is anything.
	told := map[string]string{"no sockets": `^[^\n]*--allow-socket tcp://HOST:PORT[^\n]*$`}
	onEngines(t, torture, 64<<20, server.Config{Timeout: 30 * time.Second}, func(t *testing.T, s *served) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				req, err := http.NewRequest(c.method, s.url+c.path, strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				if c.header != nil {
					req.Header = c.header
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				b, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != c.status {
					t.Errorf("status %d, %v; wanted %d", resp.StatusCode, err, c.status)
				}
				// The body of /big is not text: bytes are compared as Latin-1.
				if !regexp.MustCompile(c.want).MatchString(latin1(b)) {
					t.Errorf("body is %.200q, wanted %s", b, c.want)
				}
				if c.trailer != "" && len(resp.Trailer) == 0 {
					t.Error("there are no trailers")
				}
				log := strings.Join(s.log.take(), "\n")
				if !regexp.MustCompile(told[c.name]).MatchString(log) || log != "" && told[c.name] == "" {
					t.Errorf("the operator got %q", log)
				}
			})
		}
	})
}

// latin1 makes a string with one character for each byte.
func latin1(b []byte) string {
	r := make([]rune, len(b))
	for k, c := range b {
		r[k] = rune(c)
	}
	return string(r)
}

func TestOutputIsPrefixedByRequest(t *testing.T) {
	onEngines(t, torture, 64<<20, server.Config{}, func(t *testing.T, s *served) {
		if _, _, err := s.do(t, "/log?out=one&err=two"); err != nil {
			t.Fatal(err)
		}
		var got []string
		for end := time.Now().Add(5 * time.Second); len(got) < 2 && time.Now().Before(end); time.Sleep(time.Millisecond) {
			got = append(got, s.output.take()...)
		}
		if want := "[stdout [0] :: one stderr [0] :: two]"; fmt.Sprint(got) != want {
			t.Errorf("output is %q, wanted %s", got, want)
		}
	})
}
