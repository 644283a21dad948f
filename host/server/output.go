package server

import (
	"bytes"
	"context"
	goio "io"
	"log/slog"
	"strconv"
	"sync"
)

// OutputForm is the form in which a guest's output reaches the operator.
type OutputForm uint8

// The forms of a guest's output.
const (
	// Prefixed lines: "stdout [id] :: text".
	Prefixed OutputForm = iota
	// Raw bytes as they come.
	Raw
	// Structured records in the operator's log.
	Structured
)

// maxLine is the longest line that is kept together; a longer one is cut into several.
const maxLine = 8 << 10

// lineSink is where the output of all instances on one stream goes.
type lineSink struct {
	name string
	form OutputForm
	log  *slog.Logger

	mu sync.Mutex
	w  goio.Writer
}

func newLineSink(name string, w goio.Writer, form OutputForm, log *slog.Logger) *lineSink {
	if w == nil {
		w = goio.Discard
	}
	return &lineSink{name: name, w: w, form: form, log: log}
}

// open returns the writer for one instance; l, which is zero but for what, is
// where it may keep its line.
func (s *lineSink) open(l *lineWriter, id uint64) goio.Writer {
	if s.form == Raw {
		return rawWriter{s}
	}
	l.sink, l.id = s, id
	return l
}

func (s *lineSink) write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

type rawWriter struct{ s *lineSink }

func (w rawWriter) Write(b []byte) (int, error) { return w.s.write(b) }

// lineWriter makes lines of what one instance writes. It serves the goroutine
// of the instance.
type lineWriter struct {
	sink   *lineSink
	what   string // of the instance, before its number: "" for a request
	id     uint64
	prefix int    // length of the prefix in line
	line   []byte // of prefix and what has come of a line; nil between lines
}

func (l *lineWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		part, rest, whole := bytes.Cut(b, []byte{'\n'})
		if room := maxLine - l.length(); len(part) > room {
			part, rest, whole = b[:room], b[room:], true
		}
		l.begin()
		l.line = append(l.line, part...)
		if b = rest; whole {
			if err := l.end(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// begin begins a line, if none has begun.
func (l *lineWriter) begin() {
	if l.line != nil {
		return
	}
	l.line = append(l.line, l.sink.name...)
	l.line = append(append(l.line, " ["...), l.what...)
	l.line = strconv.AppendUint(l.line, l.id, 10)
	l.line = append(l.line, "] :: "...)
	l.prefix = len(l.line)
}

func (l *lineWriter) length() int { return max(0, len(l.line)-l.prefix) }

// end writes the line in one piece, so that lines of instances do not mix.
func (l *lineWriter) end() error {
	l.begin()
	line := l.line
	l.line = nil
	if l.sink.form == Structured {
		l.sink.log.LogAttrs(context.Background(), slog.LevelInfo, "guest output",
			slog.String("request", l.what+strconv.FormatUint(l.id, 10)), slog.String("stream", l.sink.name), slog.String("line", string(line[l.prefix:])))
		return nil
	}
	_, err := l.sink.write(append(line, '\n'))
	return err
}

func (l *lineWriter) flush() {
	if l.line != nil {
		_ = l.end()
	}
}
