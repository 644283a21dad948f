package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/examples/embed/textplugin"
	"github.com/google/go-cmp/cmp"
)

func TestRunReportsOnEachFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"fox.txt":   "the quick brown fox jumps over the lazy dog\nthe end\n",
		"empty.txt": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := run(context.Background(), &out, []string{"fox.txt", "empty.txt"}); err != nil {
		t.Fatal(err)
	}
	want := "[plugin] info: analyzed count=11\n" +
		"fox.txt: 11 words in 2 lines; most of all the (3) quick (1) brown (1)\n" +
		"empty.txt: empty\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// A resource of the guest keeps its state between calls and is dropped once.
func TestIndexIsAResourceOfThePlugin(t *testing.T) {
	ctx := t.Context()
	for _, kind := range []engine.Kind{engine.Auto, engine.Interpreter} {
		t.Run(kind.String(), func(t *testing.T) {
			e, err := engine.New(ctx, engine.Config{Kind: kind})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close(ctx)
			c, err := e.Compile(ctx, plugin)
			if err != nil {
				t.Fatal(err)
			}
			l := e.NewLinker()
			if err := textplugin.LinkLogger(l, func(cx *abi.Context) textplugin.LoggerHost { return cx.Host.(*logger) }); err != nil {
				t.Fatal(err)
			}
			linked, err := l.Link(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			analysis, err := textplugin.FindAnalysis(linked)
			if err != nil {
				t.Fatal(err)
			}
			inst, err := linked.Instantiate(ctx, engine.InstanceConfig{Host: &logger{out: &bytes.Buffer{}}})
			if err != nil {
				t.Fatal(err)
			}
			defer inst.Close(ctx)
			testIndex(t, analysis, inst)
		})
	}
}

func testIndex(t *testing.T, analysis *textplugin.AnalysisExport, inst *engine.Instance) {
	ctx := t.Context()
	index, err := analysis.NewIndex(ctx, inst)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := index.Add(ctx, "a.txt", "one two\nthree"); err != nil {
		t.Fatal(err)
	}
	if _, err := index.Add(ctx, "b.txt", "four\nfive\ntwo"); err != nil {
		t.Fatal(err)
	}
	hits, err := index.Search(ctx, "two")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]textplugin.Hit{{Document: "a.txt", Line: 1}, {Document: "b.txt", Line: 3}}, hits); diff != "" {
		t.Error(diff)
	}
	if err := index.Drop(ctx); err != nil {
		t.Errorf("drop: %v", err)
	}
	if err := index.Drop(ctx); err != nil {
		t.Errorf("a second drop is to do nothing, but: %v", err)
	}
	if _, err := index.Search(ctx, "two"); err == nil {
		t.Error("a dropped index can still be searched")
	}
}
