package host

import (
	"testing"

	"github.com/godwit-runtime/godwit/engine"
)

// A name in the lists that no function has would leave one that waits prompt.
func TestWhatWaitsIsNotPrompt(t *testing.T) {
	e, err := engine.New(t.Context(), engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(t.Context())
	l := e.NewLinker()
	if err := Link(l, Config{}); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range prompt {
		for _, f := range l.Provides(name).Funcs {
			if f.Prompt == waits[f.Name] {
				t.Errorf("%s#%s: prompt is %v", name, f.Name, f.Prompt)
			}
			if waits[f.Name] {
				found++
			}
		}
	}
	if found != len(waits) {
		t.Errorf("%d functions of %d were found", found, len(waits))
	}
	for _, f := range l.Provides("wasi:io/poll@0.2.12").Funcs {
		if f.Prompt {
			t.Errorf("%s is prompt", f.Name)
		}
	}
}
