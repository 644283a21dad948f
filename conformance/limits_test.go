package conformance

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// The limits that are flags alone, through the command.
func TestLimitsAreFlags(t *testing.T) {
	cases := []struct {
		name   string
		flags  []string
		path   string
		status int
		log    string // part of the operator's line
	}{
		{"CPU time", []string{"--max-cpu", "50ms"}, "/loop", 500, "ran longer than its limit of 50ms"},
		{"what is waited for is no CPU time", []string{"--max-cpu", "50ms"}, "/sleep?ms=300", 200, ""},
		{"memory of all instances", []string{"--max-total-memory", "256K"}, "/", 500, "the memory limit of 262144 for all instances"},
	}
	for _, kind := range engines {
		for _, c := range cases {
			t.Run(kind.String()+"/"+c.name, func(t *testing.T) {
				p := start(t, append([]string{"--engine", kind.String()}, append(c.flags, torture)...)...)
				resp, err := http.Post(p.url+c.path, "", nil)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != c.status {
					t.Errorf("%d %q, %v; wanted %d", resp.StatusCode, body, err, c.status)
				}
				if c.log == "" {
					return
				}
				if got := p.stderr.settled(1); len(got) != 1 || !strings.Contains(got[0], c.log) {
					t.Errorf("the operator got %q, wanted one line with %q", got, c.log)
				}
			})
		}
	}
}
