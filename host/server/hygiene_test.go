package server

import (
	"errors"
	"fmt"
	goio "io"
	gohttp "net/http"
	"strings"
	"sync"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
)

// repeat answers with all that it can see of its request, and prints it too.
func repeat(c *call) error {
	path, _ := c.req.PathWithQuery(c.ctx)
	h, _ := c.req.Headers(c.ctx)
	entries, _ := h.Entries(c.ctx)
	body, w := c.respond(200, "x-path", path.Value)
	out, _ := c.st.CLI.GetStdout(c.ctx)
	say := func(b []byte) error {
		if err := out.BlockingWriteAndFlush(c.ctx, b); err != nil {
			return err
		}
		return w.BlockingWriteAndFlush(c.ctx, b)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.F0, "x-") {
			if err := say(e.F1); err != nil {
				return err
			}
		}
	}
	in, _ := c.req.Consume(c.ctx)
	r, _ := in.Stream(c.ctx)
	for {
		b, err := r.BlockingRead(c.ctx, 1<<10)
		var se wasiio.StreamError
		if errors.As(err, &se) && se.Tag == wasiio.StreamErrorClosed {
			break
		}
		if err != nil {
			return err
		}
		if err := say(b); err != nil {
			return err
		}
	}
	r.Drop(c.ctx)
	return c.finish(body, w, "x-trailer", path.Value)
}

// What a request is served with is used again: goroutines, waiters, buffers,
// connections. Each answer, trailer and line of output is of its own request
// all the same, whatever ended those before.
func TestNothingOfARequestReachesAnother(t *testing.T) {
	output := &lockedBuffer{}
	guest := goGuest(func(c *call) error {
		switch path, _ := c.req.PathWithQuery(c.ctx); {
		case strings.HasPrefix(path.Value, "/fail"):
			return errors.New("before the answer")
		case strings.HasPrefix(path.Value, "/abort"):
			_, w := c.respond(200, "x-path", path.Value)
			_ = w.Write(c.ctx, []byte("secret of "+path.Value))
			return errors.New("in the middle of the answer")
		}
		return repeat(c)
	})
	url, _, _ := start(t, guest, Config{Stdout: output})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 40 {
				mark := fmt.Sprintf("<%d.%d>", g, n)
				for _, path := range []string{"/fail", "/abort", "/whole"} {
					path += "?" + mark
					if err := checkRepeated(t, url, path, mark, path[:6] == "/whole"); err != nil {
						t.Errorf("%s: %v", path, err)
					}
				}
			}
		})
	}
	wg.Wait()
	for line := range strings.Lines(output.String()) {
		_, said, _ := strings.Cut(line, " :: ")
		if mark, _, _ := strings.Cut(said, ">"); strings.Count(said, mark+">") != strings.Count(said, "<") {
			t.Fatalf("a line of output is of several requests: %.200q", line)
		}
	}
}

func checkRepeated(t *testing.T, url, path, mark string, whole bool) error {
	r := newRequest(t, gohttp.MethodPost, url+path, strings.Repeat(mark, 200))
	r.Header.Set("X-Mark", mark)
	resp, err := gohttp.DefaultClient.Do(r)
	if err != nil {
		if whole {
			return err
		}
		return nil // aborted before anything was sent
	}
	defer resp.Body.Close()
	b, err := goio.ReadAll(resp.Body)
	if !whole {
		if s := string(b); strings.Contains(s, "<") && !strings.Contains(s, mark) {
			return fmt.Errorf("answered %.100q", s)
		}
		return nil
	}
	if want := strings.Repeat(mark, 201); err != nil || string(b) != want {
		return fmt.Errorf("answered %d bytes %.60q, wanted %d; %w", len(b), b, len(want), errors.Join(err))
	}
	if got := resp.Header.Get("X-Path") + resp.Trailer.Get("X-Trailer"); got != path+path {
		return fmt.Errorf("header and trailer are %q", got)
	}
	return nil
}
