package wast

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"
)

// Report is what came out of a run.
type Report struct {
	Engine  string
	Scripts int
	Cases   []Case // in the order of scripts and commands
	Time    time.Duration
}

// compareScripts orders scripts by folder, then by name.
func compareScripts(a, b string) int {
	if c := strings.Compare(path.Dir(a), path.Dir(b)); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

// Failures are the cases that did not pass and were not expected not to.
func (r *Report) Failures() []Case {
	return slices.DeleteFunc(slices.Clone(r.Cases), func(c Case) bool { return c.Passed || c.Reason != "" })
}

// Count is how many of some cases passed.
type Count struct{ Passed, Total int }

func (n *Count) add(c *Case) {
	n.Total++
	if c.Passed {
		n.Passed++
	}
}

func (n Count) String() string {
	if n.Total == 0 {
		return "–"
	}
	return fmt.Sprintf("%d/%d", n.Passed, n.Total)
}

// Summary counts cases by folder and command.
type Summary struct {
	Folders  []string // in order
	Commands []string // in order
	Cells    map[[2]string]Count
	Rows     map[string]Count // by folder
	Columns  map[string]Count // by command
	All      Count
}

// Summary counts the cases of the report.
func (r *Report) Summary() *Summary {
	s := &Summary{Cells: map[[2]string]Count{}, Rows: map[string]Count{}, Columns: map[string]Count{}}
	for k := range r.Cases {
		c := &r.Cases[k]
		folder := path.Dir(c.Script)
		count(s.Cells, [2]string{folder, c.Command}, c)
		count(s.Rows, folder, c)
		count(s.Columns, c.Command, c)
		s.All.add(c)
	}
	for f := range s.Rows {
		s.Folders = append(s.Folders, f)
	}
	for c := range s.Columns {
		s.Commands = append(s.Commands, c)
	}
	slices.Sort(s.Folders)
	slices.Sort(s.Commands)
	return s
}

func count[K comparable](m map[K]Count, key K, c *Case) {
	n := m[key]
	n.add(c)
	m[key] = n
}

// table is the summary as rows of cells: folders down, commands across.
func (s *Summary) table() [][]string {
	head := append(append([]string{"folder"}, s.Commands...), "all")
	rows := [][]string{head}
	for _, f := range s.Folders {
		row := []string{f}
		for _, c := range s.Commands {
			row = append(row, s.Cells[[2]string{f, c}].String())
		}
		rows = append(rows, append(row, s.Rows[f].String()))
	}
	row := []string{"all"}
	for _, c := range s.Commands {
		row = append(row, s.Columns[c].String())
	}
	return append(rows, append(row, s.All.String()))
}

// Markdown writes the summary as a table of Markdown.
func (s *Summary) Markdown(w io.Writer) error {
	for k, row := range s.table() {
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | ")); err != nil {
			return err
		}
		if k == 0 {
			if _, err := fmt.Fprintf(w, "|%s\n", strings.Repeat("---|", len(row))); err != nil {
				return err
			}
		}
	}
	return nil
}

// Text writes what failed, then the summary.
func (r *Report) Text(w io.Writer) error {
	p := &printer{w: w}
	expected := 0
	for _, c := range r.Cases {
		switch {
		case c.Passed && c.Reason != "":
			p.printf("%s:%d: %s passes, and was expected to fail: %s\n", c.Script, c.Line, c.Command, c.Reason)
		case c.Passed:
		case c.Reason != "":
			expected++
		default:
			p.printf("%s:%d:%d: %s\n    wanted  %s\n    got     %s\n", c.Script, c.Line, c.Column, c.Command,
				indent(c.Wanted), indent(c.Got))
		}
	}
	s := r.Summary()
	p.columns(s.table())
	p.printf("%d scripts on the %s engine in %v: %d of %d commands pass", r.Scripts, r.Engine,
		r.Time.Round(time.Millisecond), s.All.Passed, s.All.Total)
	switch {
	case expected == 1:
		p.printf(", 1 is expected to fail")
	case expected > 1:
		p.printf(", %d are expected to fail", expected)
	}
	p.printf("\n")
	return p.err
}

func indent(s string) string { return strings.ReplaceAll(s, "\n", "\n            ") }

// printer keeps the first error of writing.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// columns writes rows with their cells below each other.
func (p *printer) columns(rows [][]string) {
	var width []int
	for _, row := range rows {
		for k, cell := range row {
			if k == len(width) {
				width = append(width, 0)
			}
			width[k] = max(width[k], len([]rune(cell)))
		}
	}
	for _, row := range rows {
		for k, cell := range row {
			pad := strings.Repeat(" ", width[k]-len([]rune(cell)))
			if k == 0 {
				p.printf("%s%s", cell, pad)
			} else {
				p.printf("  %s%s", pad, cell)
			}
		}
		p.printf("\n")
	}
}

// JSON writes the report as one JSON object; see jsonReport.
func (r *Report) JSON(w io.Writer) error {
	s := r.Summary()
	out := jsonReport{Engine: r.Engine, Scripts: r.Scripts, Passed: s.All.Passed, Total: s.All.Total, Milliseconds: r.Time.Milliseconds()}
	for _, c := range r.Cases {
		out.Cases = append(out.Cases, jsonCase{
			Script: c.Script, Line: c.Line, Column: c.Column, Command: c.Command,
			Status: status(&c), Wanted: c.Wanted, Got: c.Got, Reason: c.Reason,
		})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

type jsonReport struct {
	Engine       string     `json:"engine"`
	Scripts      int        `json:"scripts"`
	Passed       int        `json:"passed"`
	Total        int        `json:"total"`
	Milliseconds int64      `json:"milliseconds"`
	Cases        []jsonCase `json:"cases"`
}

type jsonCase struct {
	Script  string `json:"script"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Command string `json:"command"`
	Status  string `json:"status"` // pass, fail, expected-failure, unexpected-pass
	Wanted  string `json:"wanted,omitempty"`
	Got     string `json:"got,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

func status(c *Case) string {
	switch {
	case c.Passed && c.Reason != "":
		return "unexpected-pass"
	case c.Passed:
		return "pass"
	case c.Reason != "":
		return "expected-failure"
	}
	return "fail"
}
