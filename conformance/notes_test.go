package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host/config"
	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/godwit-runtime/godwit/host/server"
)

// noteRequests are what a client of a notes guest says, in turn, to a store that
// is empty, and how the answer begins: what is wrong with a text that is not JSON
// is said in the words of the language's library.
var noteRequests = []struct {
	method, path, body string
	status             int
	want               string
}{
	{"GET", "/", "", 200, `{"title":"Notes","longest":10000,"routes":["GET /notes?cursor=CURSOR",`},
	{"GET", "/notes", "", 200, `{"notes":[]}` + "\n"},
	{"POST", "/notes", `{"text":"one"}`, 201, `{"id":1,"text":"one"}` + "\n"},
	{"POST", "/notes", `{"text":"twö"}`, 201, `{"id":2,"text":"twö"}` + "\n"},
	{"GET", "/notes", "", 200, `{"notes":[{"id":1,"text":"one"},{"id":2,"text":"twö"}]}` + "\n"},
	{"PUT", "/notes/1", `{"text":"uno"}`, 200, `{"id":1,"text":"uno"}` + "\n"},
	{"PATCH", "/notes/1", `{"text":", due"}`, 200, `{"id":1,"text":"uno, due"}` + "\n"},
	{"GET", "/notes/1", "", 200, `{"id":1,"text":"uno, due"}` + "\n"},
	{"PUT", "/notes/1", `{"text":"\u0000\"\ud83d\ude00"}`, 200, `{"id":1,"text":"\u0000\"😀"}` + "\n"},

	{"POST", "/notes", `{"title":"x"}`, 400, "{\"error\":\"unknown field `title`, expected `text`"},
	{"POST", "/notes", `{}`, 400, "{\"error\":\"missing field `text`"},
	{"POST", "/notes", `{"text":5}`, 400, `{"error":"`},
	{"POST", "/notes", `{"text":"one"`, 400, `{"error":"`},
	{"POST", "/notes", `null`, 400, `{"error":"`},
	{"POST", "/notes", ``, 400, `{"error":"`},
	{"POST", "/notes", "{\"text\":\"\xff\"}", 400, `{"error":"`},
	{"POST", "/notes", `{"text":"\ud83d"}`, 400, `{"error":"`},
	{"PATCH", "/notes/1", strings.Repeat("[", 100_000), 400, `{"error":"`},
	{"POST", "/notes", `{"text":"` + strings.Repeat("é", 5001) + `"}`, 413, `{"error":"the note is too long"}` + "\n"},
	{"PATCH", "/notes/1", `{"text":"` + strings.Repeat("é", 4999) + `"}`, 413, `{"error":"the note is too long"}` + "\n"},
	{"POST", "/notes", strings.Repeat(" ", 1<<20+1), 413, `{"error":"the body is longer than 1 MiB"}` + "\n"},
	{"PATCH", "/notes/9", `{"text":"x"}`, 404, `{"error":"no such note"}` + "\n"},
	{"GET", "/notes/next", "", 404, `{"error":"a note has a number"}` + "\n"},
	{"GET", "/notes/01", "", 404, `{"error":"a note has a number"}` + "\n"},
	{"GET", "/notes/", "", 404, `{"error":"a note has a number"}` + "\n"},
	{"GET", "/notes/4294967295", "", 404, `{"error":"no such note"}` + "\n"},
	{"GET", "/notes/4294967296", "", 404, `{"error":"a note has a number"}` + "\n"},
	{"PUT", "/notes", `{"text":"x"}`, 405, `{"error":"no such method here"}` + "\n"},
	{"POST", "/", "", 405, `{"error":"no such method here"}` + "\n"},
	{"GET", "/elsewhere", "", 404, `{"error":"no such route; / lists them"}` + "\n"},
	{"GET", "/notes/1/2", "", 404, `{"error":"no such route; / lists them"}` + "\n"},
	{"GET", "/notes?cursor=none", "", 503, `{"error":"the cursor is not one that a listing of this store gave; list from the beginning"}` + "\n"},

	{"DELETE", "/notes/2", "", 200, `{"deleted":1}` + "\n"},
	{"DELETE", "/notes/2", "", 200, `{"deleted":0}` + "\n"},
	{"GET", "/notes/2", "", 404, `{"error":"no such note"}` + "\n"},
	{"POST", "/notes", `{"text":"three"}`, 201, `{"id":3,"text":"three"}` + "\n"},
	{"DELETE", "/notes", "", 200, `{"deleted":2}` + "\n"},
	{"GET", "/notes", "", 200, `{"notes":[]}` + "\n"},
	{"POST", "/notes", `{"text":""}`, 201, `{"id":4,"text":""}` + "\n"},
}

func askForNotes(t *testing.T, s *served) {
	t.Helper()
	for _, c := range noteRequests {
		if status, answer := s.ask(t, c.method, c.path, c.body); status != c.status || !strings.HasPrefix(answer, c.want) {
			t.Errorf("%s %s %.40s: %d %.200s; wanted %d %s; %q", c.method, c.path, c.body, status, answer, c.status, c.want, s.log.take())
		}
	}
}

func TestNotes(t *testing.T) {
	onStateful(t, notesGuests, func(t *testing.T, _ *stateful, s *served) { askForNotes(t, s) })
}

// onNotes serves each notes guest with one configuration.
func onNotes(t *testing.T, k engine.Kind, cfg func(t *testing.T) server.Config, f func(t *testing.T, s *served)) {
	for _, g := range notesGuests {
		t.Run(g.name, func(t *testing.T) {
			skipUnlessBuilt(t, g.file, g.make)
			f(t, serve(t, link(t, k, g.file), 0, cfg(t)))
		})
	}
}

func withMemory(t *testing.T) server.Config { return withBucket(openBucket(t, backends[0].open)) }

func TestNotesOnTheInterpreter(t *testing.T) {
	onNotes(t, engine.Interpreter, withMemory, askForNotes)
}

// Those who append at the same time do not lose what the others wrote.
func TestNotesAreAppendedToAtTheSameTime(t *testing.T) {
	onStateful(t, notesGuests, func(t *testing.T, _ *stateful, s *served) {
		s.ask(t, "POST", "/notes", `{"text":""}`)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for range 3 {
					resp, err := http.DefaultClient.Do(must(http.NewRequest("PATCH", s.url+"/notes/1", strings.NewReader(fmt.Sprintf(`{"text":"%d."}`, i)))))
					if err != nil {
						t.Error(err)
						return
					}
					b, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil || resp.StatusCode != 200 {
						t.Errorf("%d %q, %v", resp.StatusCode, b, err)
						return
					}
				}
			})
		}
		wg.Wait()
		_, answer := s.ask(t, "GET", "/notes/1", "")
		for i := range 8 {
			if strings.Count(answer, strconv.Itoa(i)+".") != 3 {
				t.Errorf("%d appended 3 times: %s", i, answer)
			}
		}
	})
}

// More notes than one page of the store has are all listed, and all deleted.
func TestNotesInPages(t *testing.T) {
	const n = 1100 // those in JavaScript take their time for each
	var bucket keyvalue.Bucket
	cfg := func(t *testing.T) server.Config {
		bucket = openBucket(t, backends[0].open)
		for id := 1; id <= n; id++ {
			if err := bucket.Set(t.Context(), fmt.Sprintf("note/%d", id), []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		return withBucket(bucket)
	}
	onNotes(t, engine.Auto, cfg, func(t *testing.T, s *served) {
		var ids []int
		pages := 0
		for at := "/notes"; at != ""; pages++ {
			status, answer := s.ask(t, "GET", at, "")
			page := parseJSON[struct {
				Notes  []struct{ ID int }
				Cursor *string
			}](t, answer)
			if status != 200 || pages > n {
				t.Fatalf("page %d: %d %.200s", pages, status, answer)
			}
			for _, note := range page.Notes {
				ids = append(ids, note.ID)
			}
			if at = ""; page.Cursor != nil {
				at = "/notes?cursor=" + *page.Cursor
			}
		}
		slices.Sort(ids)
		if pages < 2 || len(ids) != n || ids[0] != 1 || ids[n-1] != n {
			t.Errorf("%d notes on %d pages", len(ids), pages)
		}
		if _, answer := s.ask(t, "DELETE", "/notes", ""); answer != fmt.Sprintf(`{"deleted":%d}`+"\n", n) {
			t.Errorf("deleting %d notes: %s", n, answer)
		}
		if page, err := bucket.Keys(t.Context(), 0, 10); err != nil || len(page.Keys) != 0 {
			t.Errorf("what is left: %v, %v", page.Keys, err)
		}
	})
}

func TestNotesWithoutAStore(t *testing.T) {
	none := func(*testing.T) server.Config { return server.Config{} }
	onNotes(t, engine.Auto, none, func(t *testing.T, s *served) {
		if status, answer := s.ask(t, "GET", "/notes", ""); status != 503 || answer != `{"error":"the store \"default\" is not granted"}`+"\n" {
			t.Errorf("%d %s", status, answer)
		}
	})
}

func TestSettingsOfNotes(t *testing.T) {
	settings, err := config.New([]config.Setting{{Key: "title", Value: "Shopping"}, {Key: "notes.longest", Value: "5"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := func(t *testing.T) server.Config {
		c := withMemory(t)
		c.Host.Settings = settings
		return c
	}
	onNotes(t, engine.Auto, cfg, func(t *testing.T, s *served) {
		if _, answer := s.ask(t, "GET", "/", ""); !strings.HasPrefix(answer, `{"title":"Shopping","longest":5,`) {
			t.Error(answer)
		}
		if status, answer := s.ask(t, "POST", "/notes", `{"text":"too long"}`); status != 413 {
			t.Errorf("%d %s", status, answer)
		}
	})
}

// A counter that was read is not there because of it.
func TestCounterIsRead(t *testing.T) {
	skipUnlessBuilt(t, notesJS, notesJSTarget)
	bucket := openBucket(t, backends[0].open)
	s := serve(t, link(t, engine.Auto, notesJS), 0, withBucket(bucket))
	for _, c := range []struct{ method, want string }{{"GET", "0\n"}, {"POST", "1\n"}, {"POST", "2\n"}, {"GET", "2\n"}} {
		if _, answer := s.ask(t, c.method, "/counters/a%20b", ""); answer != c.want {
			t.Errorf("%s: %q, wanted %q", c.method, answer, c.want)
		}
	}
	if _, answer := s.ask(t, "GET", "/counters/other", ""); answer != "0\n" {
		t.Errorf("another: %q", answer)
	}
	if page, err := bucket.Keys(t.Context(), 0, 10); err != nil || !slices.Equal(page.Keys, []string{"counter/a%20b"}) {
		t.Errorf("the store has %q, %v", page.Keys, err)
	}
}

func parseJSON[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%.200s: %v", text, err)
	}
	return v
}
