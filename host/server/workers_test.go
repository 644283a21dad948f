package server

import (
	"log/slog"
	gohttp "net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Goroutines wait for another guest after their last, but not many and not for long.
func TestIdleWorkersAreFewAndEnd(t *testing.T) {
	h := New(goGuest(hello), Config{Log: slog.New(slog.DiscardHandler)})
	var wg sync.WaitGroup
	for range 4 * maxIdleWorkers {
		wg.Go(func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(gohttp.MethodGet, "/", nil))
			if w.Body.String() != "hello" {
				t.Errorf("answered %q", w.Body)
			}
		})
	}
	wg.Wait()
	idle := func() int { return int(h.guests.count.Load()) }
	if n := idle(); n > maxIdleWorkers+1 { // one may be about to see that it is too many
		t.Errorf("%d goroutines are idle", n)
	}
	for end := time.Now().Add(10 * workerIdleTime); idle() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines wait on", idle())
		}
	}
}
