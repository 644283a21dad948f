package wit

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is what reading reports: a place in a file and what is wrong there.
type Error struct {
	File string
	Line int // from 1; 0 when the error is about no particular place
	Col  int // from 1, in characters
	Msg  string
}

func (e *Error) Error() string {
	switch {
	case e.Line == 0 && e.File == "":
		return "wit: " + e.Msg
	case e.Line == 0:
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg)
}

// source is the text of one file.
type source struct {
	name string
	text string
}

// errorAt makes an Error for the byte offset pos.
func (s *source) errorAt(pos int, format string, args ...any) *Error {
	pos = min(max(pos, 0), len(s.text))
	before := s.text[:pos]
	lineStart := strings.LastIndexByte(before, '\n') + 1
	return &Error{
		File: s.name,
		Line: strings.Count(before, "\n") + 1,
		Col:  utf8.RuneCountInString(before[lineStart:]) + 1,
		Msg:  fmt.Sprintf(format, args...),
	}
}
