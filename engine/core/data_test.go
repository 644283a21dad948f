package core

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func compile(t testing.TB, r *Runtime, k Kind, text string) (*Module, error) {
	t.Helper()
	return r.CompileModule(t.Context(), ModuleSpec{Name: "test", Engine: k, Bytes: assemble(t, text)})
}

func TestDataIsWhereItBelongs(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 16<<10)
	for _, c := range []struct {
		name, text string
		taken      bool
		at         int
		want       string
	}{
		{"one segment", `(memory 1) (data (i32.const 8) "hello")`, true, 7, "\x00hello\x00"},
		{"a later one over an earlier", `(memory 1) (data (i32.const 8) "hello") (data (i32.const 10) "LL")`, true, 8, "heLLo"},
		{"at the very end", `(memory 1) (data (i32.const 65532) "last")`, true, 65532, "last"},
		{"a long one", `(memory 5) (data (i32.const 100) "` + long + `")`, true, 100, long + "\x00"},
		{"with a start function that reads it", `(memory 1) (data (i32.const 8) "x")
			(func $s (i32.store8 (i32.const 9) (i32.load8_u (i32.const 8)))) (start $s)`, true, 8, "xx"},
		{"beside a passive one", `(memory 1) (data $p "passive") (data (i32.const 0) "active")
			(func $s (memory.init $p (i32.const 10) (i32.const 0) (i32.const 7))) (start $s)`, true, 0, "active\x00\x00\x00\x00passive"},
		{"placed by a global", `(memory 1) (global $g i32 (i32.const 5)) (data (i32.const 5) "x")
			(data (offset (i32.add (i32.const 2) (i32.const 3))) "hello")`, false, 5, "hello"},
		{"far apart", `(memory 200) (data (i32.const 0) "a") (data (i32.const 13000000) "b")`, false, 13000000, "b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, k Kind) {
				for _, regions := range []bool{true, false} {
					useRegions = regions
					m, err := compile(t, newRuntime(t, k), k, strings.Replace("(module "+c.text+")", "(memory", `(memory (export "m")`, 1))
					if err != nil {
						t.Fatal(err)
					}
					mapped := runtime.GOOS == "linux" && strconv.IntSize == 64 && regions && len(c.want) > mapImage
					if m.image != nil && (m.image.file != nil) != mapped {
						t.Errorf("the image is mapped: %v", !mapped)
					}
					if taken := m.image != nil; taken != c.taken {
						t.Errorf("the data was taken out: %v", taken)
					}
					for range 2 { // the first must not change what the second gets
						i, err := m.Instantiate(t.Context(), &Host{}, nil, InstanceConfig{Budget: newBudget(0), Meter: NewMeter(0)})
						if err != nil {
							t.Fatal(err)
						}
						mem := i.Memory("m").Bytes()
						if got := string(mem[c.at:][:len(c.want)]); got != c.want {
							t.Errorf("there is %.40q, wanted %.40q", got, c.want)
						}
						clear(mem)
						_ = i.Close(context.Background())
					}
				}
				useRegions = true
			})
		})
	}
}

func TestDataOutOfBoundsTraps(t *testing.T) {
	onBoth(t, func(t *testing.T, k Kind) {
		for _, data := range []string{`(data (i32.const 65533) "last")`, `(data (i32.const -1) "x")`, `(data (i32.const 0) "x") (data (i32.const 65537) "")`} {
			m, err := compile(t, newRuntime(t, k), k, `(module (memory 1) `+data+`)`)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Instantiate(t.Context(), &Host{}, nil, InstanceConfig{Budget: newBudget(0), Meter: NewMeter(0)}); err == nil {
				t.Errorf("%s: it was instantiated", data)
			}
		}
	})
}

func TestASegmentTakenOutIsEmpty(t *testing.T) {
	onBoth(t, func(t *testing.T, k Kind) {
		f := instantiate(t, k, assemble(t, `(module (memory 1) (data (i32.const 0) "hello")
			(func (export "init") (param i32) (memory.init 0 (i32.const 100) (i32.const 0) (local.get 0))))`), InstanceConfig{}).Func("init")
		if err := f.Call(t.Context(), []uint64{0}); err != nil {
			t.Error(err)
		}
		if err := f.Call(t.Context(), []uint64{1}); err == nil {
			t.Error("it could be copied from")
		}
	})
}

func TestModulesThatDifferInDataShareCode(t *testing.T) {
	onBoth(t, func(t *testing.T, k Kind) {
		r := newRuntime(t, k)
		var all []*Module
		for n := range 3 {
			m, err := compile(t, r, k, fmt.Sprintf(`(module (memory (export "m") 1) (data (i32.const %d) "app %d") (func (export "run")))`, n, n))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, m)
		}
		if len(r.codes.all) != 1 {
			t.Fatalf("%d modules were compiled", len(r.codes.all))
		}
		_ = all[0].Close(t.Context())
		for n, m := range all[1:] {
			i, err := m.Instantiate(t.Context(), &Host{}, nil, InstanceConfig{Budget: newBudget(0), Meter: NewMeter(0)})
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("app %d", n+1); !bytes.HasPrefix(i.Memory("m").Bytes()[n+1:], []byte(want)) {
				t.Errorf("there is no %q", want)
			}
			if err := i.Func("run").Call(t.Context(), nil); err != nil {
				t.Error(err)
			}
			_ = i.Close(t.Context())
			_ = m.Close(t.Context())
		}
		if len(r.codes.all) != 0 {
			t.Error("the code is still there when no module is")
		}
	})
}
