package wast

import "testing"

// The scripts in testdata are this project's own: what the official tests show,
// shorter, where those are not at hand.
func TestOwnScripts(t *testing.T) {
	for _, k := range suiteEngines(t) {
		r, err := Run(t.Context(), Config{Engine: k}, "testdata")
		if err != nil {
			t.Fatal(err)
		}
		t.Run(r.Engine, func(t *testing.T) {
			for _, c := range r.Failures() {
				t.Errorf("%s:%d: %s\n    wanted  %s\n    got     %s", c.Script, c.Line, c.Command, c.Wanted, c.Got)
			}
			if want := 155; len(r.Cases) != want {
				t.Errorf("%d commands, want %d", len(r.Cases), want)
			}
		})
	}
}
