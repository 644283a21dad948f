// Package export_wasi_http_incoming_handler is the component: wit-bindgen's
// bindings, which the build generates beside it, call Handle.
//
// It shows upstream Go as a guest: goroutines, timers, encoding/json, output,
// and what a panic becomes. An instance answers one request, and all of its
// handles go with it, so few are dropped here.
package export_wasi_http_incoming_handler

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	wit "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/wasi_http_types"
	"wit_component/wasi_io_streams"
)

// Handle answers a request.
func Handle(request *wasi_http_types.IncomingRequest, out *wasi_http_types.ResponseOutparam) {
	target, err := url.ParseRequestURI(request.PathWithQuery().SomeOr("/"))
	if err != nil {
		fail(out, 400, err)
		return
	}
	method := request.Method().Tag()
	switch {
	case target.Path == "/":
		respond(out, 200, "text/plain; charset=utf-8", []byte("Hello from Go!\n"))
	case target.Path == "/words" && method == wasi_http_types.Method_Post:
		words(request, out)
	case target.Path == "/ticks":
		ticks(target.Query(), out)
	case target.Path == "/spin": // until the host's timeout
		for {
		}
	case target.Path == "/panic":
		fmt.Fprintln(os.Stderr, "about to panic")
		panic("as asked for")
	default:
		fail(out, 404, fmt.Errorf("there is no %s", target.Path))
	}
}

// words counts the words of a text: {"text": "a b a"} gives the most frequent first.
func words(request *wasi_http_types.IncomingRequest, out *wasi_http_types.ResponseOutparam) {
	var in struct {
		Text string `json:"text"`
	}
	if err := json.NewDecoder(io.LimitReader(bodyOf(request), 1<<20)).Decode(&in); err != nil {
		fail(out, 400, err)
		return
	}
	type word struct {
		Word  string `json:"word"`
		Count int    `json:"count"`
	}
	counts := map[string]int{}
	for _, w := range strings.Fields(in.Text) {
		counts[w]++
	}
	list := make([]word, 0, len(counts))
	for w, n := range counts {
		list = append(list, word{w, n})
	}
	slices.SortFunc(list, func(a, b word) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Word, b.Word)
	})
	b, err := json.Marshal(list)
	if err != nil {
		fail(out, 500, err)
		return
	}
	respond(out, 200, "application/json", append(b, '\n'))
}

// ticks sends n lines, which a goroutine makes one every ms milliseconds.
func ticks(query url.Values, out *wasi_http_types.ResponseOutparam) {
	n, _ := strconv.Atoi(query.Get("n"))
	ms, _ := strconv.Atoi(query.Get("ms"))
	lines := make(chan string)
	go func() {
		defer close(lines)
		for i := range n {
			time.Sleep(time.Duration(ms) * time.Millisecond)
			lines <- fmt.Sprintf("tick %d\n", i+1)
		}
	}()
	body := start(out, 200, "text/plain; charset=utf-8")
	for line := range lines {
		if _, err := io.WriteString(body, line); err != nil {
			return // the client is gone
		}
	}
	body.Close()
}

func fail(out *wasi_http_types.ResponseOutparam, status uint16, err error) {
	b, _ := json.Marshal(map[string]string{"error": err.Error()})
	respond(out, status, "application/json", append(b, '\n'))
}

func respond(out *wasi_http_types.ResponseOutparam, status uint16, contentType string, b []byte) {
	body := start(out, status, contentType)
	if _, err := body.Write(b); err == nil {
		body.Close()
	}
}

// start sends status and headers.
func start(out *wasi_http_types.ResponseOutparam, status uint16, contentType string) *responseBody {
	fields := wasi_http_types.MakeFields()
	fields.Append("content-type", []byte(contentType))
	response := wasi_http_types.MakeOutgoingResponse(fields)
	response.SetStatusCode(status)
	body := response.Body().Ok()
	wasi_http_types.ResponseOutparamSet(out, wit.Ok[*wasi_http_types.OutgoingResponse, wasi_http_types.ErrorCode](response))
	return &responseBody{body: body, stream: body.Write().Ok()}
}

// responseBody is the body of a response; one that is not closed is cut off.
type responseBody struct {
	body   *wasi_http_types.OutgoingBody
	stream *wasi_io_streams.OutputStream
}

func (r *responseBody) Write(b []byte) (int, error) {
	const most = 4096 // that one call may write
	for part := range slices.Chunk(b, most) {
		if r.stream.BlockingWriteAndFlush(part).IsErr() {
			return 0, io.ErrClosedPipe
		}
	}
	return len(b), nil
}

func (r *responseBody) Close() {
	r.stream.Drop() // a child of the body: it has to go first
	wasi_http_types.OutgoingBodyFinish(r.body, wit.None[*wasi_http_types.Fields]())
}

// bodyOf reads the body of a request.
func bodyOf(request *wasi_http_types.IncomingRequest) io.Reader {
	body := request.Consume().Ok()
	return &requestBody{stream: body.Stream().Ok()}
}

type requestBody struct{ stream *wasi_io_streams.InputStream }

func (r *requestBody) Read(b []byte) (int, error) {
	got := r.stream.BlockingRead(uint64(len(b)))
	if got.IsOk() {
		return copy(b, got.Ok()), nil
	}
	if err := got.Err(); err.Tag() == wasi_io_streams.StreamError_LastOperationFailed {
		return 0, io.ErrUnexpectedEOF
	}
	return 0, io.EOF
}
