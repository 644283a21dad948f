package wast

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Expectations are the cases that are expected to fail. A case that is listed
// and passes is a failure too, and so is one that is listed and not there, so
// that the list never says less or more than what is so.
//
// The list has one line for each case: its script and line, two spaces, and why.
// Lines that begin with # are comments.
//
//	linking/unit.wast:120  needs multi-memory
type Expectations struct {
	lines []expectation
}

type expectation struct {
	script string
	line   int
	reason string
}

// ReadExpectations reads a list.
func ReadExpectations(r io.Reader) (*Expectations, error) {
	e := &Expectations{}
	sc := bufio.NewScanner(r)
	for n := 1; sc.Scan(); n++ {
		text := strings.TrimSpace(sc.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		place, reason, ok := strings.Cut(text, "  ")
		script, number, colon := strings.Cut(place, ":")
		line, err := strconv.Atoi(number)
		if !ok || !colon || err != nil || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("line %d of the expectations: it is not of the form script.wast:LINE  REASON", n)
		}
		e.lines = append(e.lines, expectation{script: script, line: line, reason: strings.TrimSpace(reason)})
	}
	return e, sc.Err()
}

// Len is how many cases are expected to fail.
func (e *Expectations) Len() int { return len(e.lines) }

// Apply notes in r which failures are expected. It returns what is wrong with
// the list: cases that pass all the same, and cases that are not there. Scripts
// that r does not have at all are no matter.
func (e *Expectations) Apply(r *Report) (wrong []string) {
	type place struct {
		script string
		line   int
	}
	cases := map[place][]int{}
	scripts := map[string]bool{}
	for k := range r.Cases {
		c := &r.Cases[k]
		p := place{c.Script, c.Line}
		cases[p] = append(cases[p], k)
		scripts[c.Script] = true
	}
	for _, x := range e.lines {
		ks := cases[place{x.script, x.line}]
		if len(ks) == 0 {
			if scripts[x.script] {
				wrong = append(wrong, fmt.Sprintf("%s:%d is listed as an expected failure, and there is no such command", x.script, x.line))
			}
			continue
		}
		// Several commands of one line share its fate: that of the first that fails.
		failed := slices.IndexFunc(ks, func(k int) bool { return !r.Cases[k].Passed })
		if failed < 0 {
			failed = 0
			wrong = append(wrong, fmt.Sprintf("%s:%d passes, and is listed as an expected failure: %s", x.script, x.line, x.reason))
		}
		r.Cases[ks[failed]].Reason = x.reason
	}
	return wrong
}
