package conformance

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/filesystem"
	"github.com/godwit-runtime/godwit/host/server"
)

const (
	fileServer = "../examples/fileserver/fileserver.wasm"
	wordCount  = "../examples/wc/wc.wasm"
)

// site is a directory to serve, and a secret beside it.
func site(t *testing.T, readOnly bool) (dir string, p filesystem.Preopen) {
	t.Helper()
	outside := t.TempDir()
	dir = filepath.Join(outside, "site")
	for name, content := range map[string]string{
		"../secret":       "secret",
		"hello.txt":       "hello, world\n",
		"sub/a & <b>.txt": "odd",
		"empty":           "",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Skipf("the tree cannot be made here: %v", err)
		}
	}
	if err := os.Symlink("../secret", filepath.Join(dir, "link")); err != nil {
		t.Skipf("the tree cannot be made here: %v", err)
	}
	p, err := filesystem.OpenPreopen(dir, "/", readOnly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Root.Close() })
	return dir, p
}

// request makes a request and returns status, header and body.
func (s *served) request(t testing.TB, method, path, body string, header http.Header) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func TestFileServerGivesWhatItMayAndNoMore(t *testing.T) {
	for _, readOnly := range []bool{true, false} {
		for _, k := range engines {
			t.Run(fmt.Sprintf("%s, read-only %t", k, readOnly), func(t *testing.T) {
				dir, p := site(t, readOnly)
				s := serve(t, link(t, k, fileServer), 0, server.Config{Host: host.Config{Dirs: []filesystem.Preopen{p}}})
				changes := func(status int) int {
					if readOnly {
						return 403
					}
					return status
				}
				for _, c := range []struct {
					method, path, body string
					status             int
					want               string // part of the body
				}{
					{"GET", "/hello.txt", "", 200, "hello, world\n"},
					{"HEAD", "/hello.txt", "", 200, ""},
					{"GET", "/hello.txt?x=1", "", 200, "hello, world\n"},
					{"GET", "/empty", "", 200, ""},
					{"GET", "/sub/a%20&%20%3Cb%3E.txt", "", 200, "odd"},
					{"GET", "/", "", 200, `href="./%68%65%6c%6c%6f%2e%74%78%74">hello.txt`},
					{"GET", "/sub", "", 200, "a &#38; &#60;b&#62;.txt"},
					{"GET", "/nothing", "", 404, ""},
					{"GET", "/hello.txt/", "", 404, ""},
					{"GET", "/hello.txt/x", "", 404, ""},
					{"GET", "/link", "", 403, ""},
					{"GET", "/..%2fsecret", "", 403, ""},
					{"GET", "/sub/..%2f..%2fsecret", "", 403, ""},
					{"GET", "/" + strings.Repeat("x", 300), "", 404, ""},
					{"GET", "/%00", "", 400, ""},
					{"POST", "/hello.txt", "x", 405, ""},
					{"PUT", "/new.txt", "new", changes(204), ""},
					{"PUT", "/hello.txt", "other", changes(204), ""},
					{"PUT", "/link", "x", 403, ""},
					{"PUT", "/sub", "x", changes(409), ""},
					{"PUT", "/no/new.txt", "x", changes(404), ""},
					{"DELETE", "/empty", "", changes(204), ""},
					{"DELETE", "/sub", "", changes(409), ""},
				} {
					status, _, body := s.request(t, c.method, c.path, c.body, nil)
					if status != c.status || !strings.Contains(body, c.want) || c.method == "HEAD" && body != "" {
						t.Errorf("%s %s: %d %q, wanted %d %q", c.method, c.path, status, body, c.status, c.want)
					}
				}
				now := map[bool]string{true: "hello, world\n", false: "other"}[readOnly]
				if b, err := os.ReadFile(filepath.Join(dir, "hello.txt")); err != nil || string(b) != now {
					t.Errorf("the file has %q (%v), wanted %q", b, err, now)
				}
				if b, err := os.ReadFile(filepath.Join(dir, "../secret")); err != nil || string(b) != "secret" {
					t.Errorf("the secret is %q (%v)", b, err)
				}
			})
		}
	}
}

func TestFileServerRevalidates(t *testing.T) {
	dir, p := site(t, false)
	s := serve(t, link(t, engines[0], fileServer), 0, server.Config{Host: host.Config{Dirs: []filesystem.Preopen{p}}})
	_, h, _ := s.request(t, "GET", "/hello.txt", "", nil)
	etag := h.Get("ETag")
	if etag == "" {
		t.Fatal("there is no entity tag")
	}
	know := http.Header{"If-None-Match": {etag}}
	if status, _, body := s.request(t, "GET", "/hello.txt", "", know); status != 304 || body != "" {
		t.Errorf("the same file: %d %q", status, body)
	}
	if err := os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, h, body := s.request(t, "GET", "/hello.txt", "", know); status != 200 || body != "another" || h.Get("ETag") == etag {
		t.Errorf("a file that has changed: %d %q %s", status, body, h.Get("ETag"))
	}
}

// Files larger than any buffer go through both ways, for many at once, and leave
// nothing open.
func TestFileServerStreams(t *testing.T) {
	dir, p := site(t, false)
	before := openFiles()
	t.Run("at once", func(t *testing.T) {
		s := serve(t, link(t, engines[0], fileServer), 0, server.Config{Host: host.Config{Dirs: []filesystem.Preopen{p}}})
		var wg sync.WaitGroup
		for g := range 16 {
			wg.Go(func() {
				path, content := fmt.Sprintf("/big-%d", g), strings.Repeat(fmt.Sprintf("%7d\n", g), 200_000)
				if status, _, body := s.request(t, "PUT", path, content, nil); status != 204 {
					t.Errorf("PUT: %d %s", status, body)
				}
				if b, err := os.ReadFile(filepath.Join(dir, path)); err != nil || string(b) != content {
					t.Errorf("%d bytes of %d are there: %v", len(b), len(content), err)
				}
				if status, _, body := s.request(t, "GET", path, "", nil); status != 200 || body != content {
					t.Errorf("GET: %d with %d bytes of %d", status, len(body), len(content))
				}
			})
		}
		wg.Wait()
	})
	if n := openFiles(); n > before+2 { // what the test's client keeps
		t.Errorf("%d files are open, were %d", n, before)
	}
}

func TestCommandLineToolReadsFiles(t *testing.T) {
	onPrograms(t, wordCount, func(t *testing.T, p *program) {
		_, preopen := site(t, true)
		cfg := host.Config{Dirs: []filesystem.Preopen{preopen}}
		line := func(lines, words, bytes int, name string) string {
			return fmt.Sprintf("%8d %8d %8d %s\n", lines, words, bytes, name)
		}
		for _, c := range []struct {
			name string
			args []string
			code int
			want string
		}{
			{"standard input", nil, 0, line(1, 3, 14, "")},
			{"a file", []string{"/hello.txt"}, 0, line(1, 2, 13, "/hello.txt")},
			{"an empty file", []string{"/empty"}, 0, line(0, 0, 0, "/empty")},
			{"a directory", []string{"/sub"}, 0, line(0, 1, 3, "/sub/a & <b>.txt")},
			{"two", []string{"/hello.txt", "/sub"}, 0, line(1, 2, 13, "/hello.txt") + line(0, 1, 3, "/sub/a & <b>.txt") + line(1, 3, 16, "total")},
			{"nothing", []string{"/nothing"}, 1, ""},
			{"what is outside", []string{"/../secret", "/link"}, 1, ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				cfg.Stdin = strings.NewReader("one two three\n")
				code, out, trap := p.do(t, cfg, c.args...)
				if code != c.code || out != c.want || trap != nil {
					t.Errorf("exit code %d, printed\n%s(%v); wanted %d,\n%s", code, out, trap, c.code, c.want)
				}
			})
		}
	})
}
