package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startServer starts godwit serve as a process and returns its URL.
func startServer(t *testing.T, args ...string) (url string, c *exec.Cmd) {
	t.Helper()
	c = godwit(t, append([]string{"serve", "--addr", "127.0.0.1:0", "--no-cache"}, args...)...)
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
	t.Cleanup(func() {
		late.Stop()
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	lines := bufio.NewScanner(stderr)
	var all []string
	for lines.Scan() {
		all = append(all, lines.Text())
		if rest, ok := strings.CutPrefix(lines.Text(), "Serving HTTP on "); ok {
			go io.Copy(io.Discard, stderr)
			return rest, c
		}
	}
	t.Fatalf("the server does not serve: %q", all)
	return "", nil
}

// A counter goes on where it was when its server is killed and started again.
func TestCounterSurvivesAKill(t *testing.T) {
	store := "default=bolt:" + filepath.Join(t.TempDir(), "counter.db")
	next := 1
	for range 3 {
		url, c := startServer(t, "--keyvalue", store, "../../examples/counter/counter.wasm")
		for range 3 {
			resp, err := http.Get(url + "visits")
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(b) != strconv.Itoa(next)+"\n" {
				t.Fatalf("the counter says %q, %v; wanted %d", b, err, next)
			}
			next++
		}
		_ = c.Process.Kill()
		_ = c.Wait()
	}
}

// What a guest sets, it is told of as well if it wants to know.
func TestServeTellsTheGuestOfChanges(t *testing.T) {
	url, c := startServer(t, "--keyvalue", "default=memory:", "../../conformance/guests/watch/watch.wasm")
	ask := func(method string) int {
		t.Helper()
		req, err := http.NewRequest(method, url+"a", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if status := ask("GET"); status != 404 {
		t.Errorf("before anything was set: %d", status)
	}
	for end := time.Now().Add(20 * time.Second); ask("GET") != 200; time.Sleep(10 * time.Millisecond) {
		if status := ask("POST"); status != 200 || time.Now().After(end) {
			t.Fatalf("%d; the guest is not told of what it set", status)
		}
	}
	if runtime.GOOS == "windows" {
		return // which has no signal to send
	}
	http.DefaultClient.CloseIdleConnections()
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("the server ends with %v", err)
	}
}
