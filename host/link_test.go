package host

import (
	"context"
	"testing"

	"github.com/godwit-runtime/godwit/engine"
)

// TestLinkAndTheTableOfGrantsAgree: what the table calls served is defined, and
// nothing else is.
func TestLinkAndTheTableOfGrantsAgree(t *testing.T) {
	ctx := context.Background()
	e, err := engine.New(ctx, engine.Config{Kind: engine.Interpreter})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(ctx)
	l := e.NewLinker()
	if err := Link(l, Config{}); err != nil {
		t.Fatal(err)
	}
	for name, g := range grants {
		if hi := l.Provides(name + "@0.2.0"); (hi != nil) != (g.Status != NotProvided) {
			t.Errorf("%s: the table says %s, the linker has it: %v", name, g, hi != nil)
		}
	}
	for name, g := range exact {
		if hi := l.Provides(name); hi == nil || hi.Name != name || g.Status == NotProvided {
			t.Errorf("%s: the table says %s, the linker has %v", name, g, hi)
		}
	}
	for _, name := range []string{"wasi:io/streams@0.3.0", "wasi:keyvalue/store@0.2.0", "wasi:keyvalue/store@0.2.0-draft3", "wasi:config/store@0.2.0", "wasi:http/incoming-handler@0.2.0"} {
		if l.Provides(name) != nil || Lookup(name).Status != NotProvided {
			t.Errorf("%s: %s", name, Lookup(name))
		}
	}
	if err := Link(l, Config{}); err == nil {
		t.Error("linking twice is no error")
	}
}
