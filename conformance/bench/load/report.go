package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is what a run of this program found.
type report struct {
	Date   time.Time `json:"date"`
	System string    `json:"system"`
	CPUs   int       `json:"cpus"`
	Go     string    `json:"go"`
	Cases  []*table  `json:"cases"`
}

func newReport() *report {
	return &report{Date: time.Now().UTC().Truncate(time.Second), System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
}

// table is what one case found.
type table struct {
	Case  string   `json:"case"`
	About string   `json:"about"`
	Rows  []row    `json:"rows"`
	Notes []string `json:"notes,omitempty"` // what went wrong, and what to know
}

// row is one server, or one way to run the guest.
type row struct {
	Name    string   `json:"name"`
	Figures []figure `json:"figures"`
}

// figure is a number. The rows of a table have the same ones, in the same order.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  unit    `json:"unit"`
	// Unknown says that the number could not be had.
	Unknown bool `json:"unknown,omitempty"`
}

type unit string

const (
	perSecond unit = "1/s"
	seconds   unit = "s"
	bytesUnit unit = "B"
	count     unit = "count"
	ratio     unit = "ratio"
)

func (f figure) String() string {
	switch v := f.Value; {
	case f.Unknown:
		return "-"
	case f.Unit == perSecond || f.Unit == count:
		return fmt.Sprintf("%.0f", v)
	case f.Unit == ratio:
		return fmt.Sprintf("%.2f", v)
	case f.Unit == bytesUnit:
		return fmt.Sprintf("%.1f MiB", v/(1<<20))
	case v < 1e-3:
		return fmt.Sprintf("%.1f µs", v*1e6)
	case v < 1:
		return fmt.Sprintf("%.2f ms", v*1e3)
	default:
		return fmt.Sprintf("%.2f s", v)
	}
}

func duration(name string, d time.Duration) figure {
	return figure{Name: name, Value: d.Seconds(), Unit: seconds}
}

// median is the middle of v, which it sorts.
func median[T int64 | float64 | time.Duration](v []T) T {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// quantiles are the figures of durations: median, p99 and longest.
func quantiles(h *histogram) []figure {
	f := []figure{duration("p50", h.quantile(0.5)), duration("p99", h.quantile(0.99)), duration("max", h.max)}
	for i := range f {
		f[i].Unknown = h.count == 0
	}
	return f
}

func (r *report) write(w io.Writer, format string) error {
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	_, err := fmt.Fprintf(w, "%s, %s, %d CPUs, %s\n", r.Date.Format(time.DateTime), r.System, r.CPUs, r.Go)
	for _, t := range r.Cases {
		if err == nil {
			err = t.write(w)
		}
	}
	return err
}

func (t *table) write(w io.Writer) error {
	var lines [][]string
	if len(t.Rows) > 0 {
		header := []string{""}
		for _, f := range t.Rows[0].Figures {
			header = append(header, f.Name)
		}
		lines = append(lines, header)
	}
	for _, r := range t.Rows {
		line := []string{r.Name}
		for _, f := range r.Figures {
			line = append(line, f.String())
		}
		lines = append(lines, line)
	}
	var widths []int
	for _, l := range lines {
		for k, cell := range l {
			if k == len(widths) {
				widths = append(widths, 0)
			}
			widths[k] = max(widths[k], len([]rune(cell)))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s: %s\n", t.Case, t.About)
	for _, l := range lines {
		fmt.Fprintf(&b, "  %-*s", widths[0], l[0])
		for k, cell := range l[1:] {
			fmt.Fprintf(&b, "  %*s", widths[k+1], cell)
		}
		b.WriteByte('\n')
	}
	for _, n := range t.Notes {
		fmt.Fprintf(&b, "  %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
