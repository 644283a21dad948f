package wit

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// golden compares with a file, or writes it under -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: %s\n\nall of it:\n%s", file, firstDifference(got, string(want)), got)
	}
}

func TestPrint(t *testing.T) {
	inputs, err := filepath.Glob("testdata/print/*.wit")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("there are no inputs: %v", err)
	}
	for _, input := range inputs {
		text, err := os.ReadFile(input)
		if err != nil {
			t.Fatal(err)
		}
		for suffix, config := range map[string]Config{".golden": {}, ".features.golden": {AllFeatures: true}} {
			t.Run(filepath.Base(input)+suffix, func(t *testing.T) {
				want, err := config.Parse(input, string(text))
				if err != nil {
					t.Fatal(err)
				}
				out := printed(t, want)
				golden(t, strings.TrimSuffix(input, ".wit")+suffix, out)
				got, err := config.Parse("printed.wit", out)
				if err != nil {
					t.Fatalf("what was printed does not read: %v\n%s", err, out)
				}
				sameModel(t, got, want)
				if again := printed(t, got); again != out {
					t.Errorf("printing again differs: %s", firstDifference(again, out))
				}
			})
		}
	}
}

func TestPrintOneInterfaceOrWorld(t *testing.T) {
	r, err := ParseFS(Texts, "wasi/0.2.12/io", "wasi/0.2.12/clocks")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := (Printer{}).Interface(&b, r.Interface("wasi:io/poll@0.2.12")); err != nil {
		t.Fatal(err)
	}
	const poll = `@since(version = 0.2.0)
interface poll {
  @since(version = 0.2.0)
  resource pollable {
    @since(version = 0.2.0)
    ready: func() -> bool;
    @since(version = 0.2.0)
    block: func();
  }

  @since(version = 0.2.0)
  poll: func(in: list<borrow<pollable>>) -> list<u32>;
}
`
	if b.String() != poll {
		t.Errorf("got\n%s\nwant\n%s", b.String(), poll)
	}
	b.Reset()
	if err := (Printer{}).World(&b, r.World("wasi:clocks/imports@0.2.12")); err != nil {
		t.Fatal(err)
	}
	const world = `@since(version = 0.2.0)
world imports {
  @since(version = 0.2.0)
  import wasi:io/poll@0.2.12;
  @since(version = 0.2.0)
  import monotonic-clock;
  @since(version = 0.2.0)
  import wall-clock;
}
`
	if b.String() != world {
		t.Errorf("got\n%s\nwant\n%s", b.String(), world)
	}
}
