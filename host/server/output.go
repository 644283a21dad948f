package server

import (
	"bytes"
	"context"
	goio "io"
	"log/slog"
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

// open returns the writer for one instance.
func (s *lineSink) open(id string) goio.Writer {
	if s.form == Raw {
		return rawWriter{s}
	}
	return &lineWriter{sink: s, id: id, prefix: s.name + " [" + id + "] :: "}
}

// close writes what open's writer holds back.
func (s *lineSink) close(w goio.Writer) {
	if lw, ok := w.(*lineWriter); ok {
		lw.flush()
	}
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
	id     string
	prefix string
	line   []byte // of prefix and what has come of a line
}

func (l *lineWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		part, rest, whole := bytes.Cut(b, []byte{'\n'})
		if room := maxLine - l.length(); len(part) > room {
			part, rest, whole = b[:room], b[room:], true
		}
		if l.line == nil {
			l.line = append(make([]byte, 0, len(l.prefix)+len(part)+1), l.prefix...)
		}
		l.line = append(l.line, part...)
		if b = rest; whole {
			if err := l.end(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

func (l *lineWriter) length() int { return max(0, len(l.line)-len(l.prefix)) }

// end writes the line in one piece, so that lines of instances do not mix.
func (l *lineWriter) end() error {
	if l.line == nil {
		l.line = []byte(l.prefix)
	}
	line := l.line
	l.line = l.line[:0]
	defer func() { l.line = nil }()
	if l.sink.form == Structured {
		l.sink.log.LogAttrs(context.Background(), slog.LevelInfo, "guest output",
			slog.String("request", l.id), slog.String("stream", l.sink.name), slog.String("line", string(line[len(l.prefix):])))
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
