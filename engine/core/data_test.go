package core

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// TestDataIsInMemory compares what a module's memory is at first with what its
// text says, whether its data is taken out or not.
func TestDataIsInMemory(t *testing.T) {
	for _, c := range []struct {
		name, text string
		taken      bool
		at         int
		want       string
		err        string // of instantiation
	}{
		{name: "one segment", text: `(memory 1) (data (i32.const 8) "hello")`, taken: true, at: 7, want: "\x00hello\x00"},
		{name: "a later one over an earlier one", text: `(memory 1) (data (i32.const 8) "hello") (data (i32.const 10) "LLLL")`, taken: true, at: 8, want: "heLLLL\x00"},
		{name: "to the last byte", text: `(memory 1) (data (i32.const 65534) "ab")`, taken: true, at: 65534, want: "ab"},
		{name: "an empty one past the last byte", text: `(memory 1) (data (i32.const 65536) "")`, taken: true, at: 0, want: "\x00"},
		{name: "a file's worth", text: `(memory 4) (data (i32.const 200000) "far") (data (i32.const 1) "near")`, taken: true, at: 200000, want: "far\x00"},
		{name: "into a memory that is named", text: `(memory $m 1) (data (memory $m) (offset (i32.const 1)) "x")`, taken: true, at: 1, want: "x"},
		{name: "the start function sees it", text: `(memory 1) (data (i32.const 8) "h")
			(func $s (i32.store8 (i32.const 9) (i32.load8_u (i32.const 8)))) (start $s)`, taken: true, at: 8, want: "hh\x00"},
		{name: "an offset that is computed", text: `(memory 1) (data (i32.add (i32.const 4) (i32.const 4)) "h")`, at: 8, want: "h"},
		{name: "one of them with such an offset", text: `(memory 1) (data (i32.const 1) "abc") (data (i32.add (i32.const 1) (i32.const 1)) "B")`, at: 1, want: "aBc"},
		{name: "a passive one, used at the start", text: `(memory 1) (data (i32.const 1) "abc") (data $p "xyz")
			(func $s (memory.init $p (i32.const 2) (i32.const 1) (i32.const 2)) (data.drop $p)) (start $s)`, taken: true, at: 1, want: "ayz\x00"},
		{name: "an active one is dropped", text: `(memory 1) (data $a (i32.const 1) "abc")
			(func $s (memory.init $a (i32.const 8) (i32.const 0) (i32.const 0)) (data.drop $a)) (start $s)`, taken: true, at: 1, want: "abc\x00"},
		{name: "and has nothing left", text: `(memory 1) (data $a (i32.const 1) "abc")
			(func $s (memory.init $a (i32.const 8) (i32.const 0) (i32.const 1))) (start $s)`, taken: true, err: "out of bounds memory access"},
		{name: "past the end", text: `(memory 1) (data (i32.const 65535) "ab")`, err: "out of bounds memory access"},
		{name: "at a negative offset", text: `(memory 1) (data (i32.const -1) "")`, err: "out of bounds memory access"},
		{name: "of a memory without pages", text: `(memory 0 1) (data (i32.const 0) "a")`, err: "out of bounds memory access"},
		{name: "of a shared memory", text: `(memory 1 1 shared) (data (i32.const 1) "a")`, at: 1, want: "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, k Kind) {
				ctx, r := context.Background(), newRuntime(t, k)
				m := compileOn(t, r, assemble(t, "(module "+c.text+` (export "m" (memory 0)))`))
				if taken := m.image != nil || m.data != nil; taken != c.taken {
					t.Errorf("data taken: %v, want %v", taken, c.taken)
				}
				for range 2 { // one does not spoil it for the next
					i, err := m.Instantiate(ctx, &Host{}, nil, InstanceConfig{Budget: r.NewBudget(0), Meter: NewMeter(0)})
					if c.err != "" {
						if err == nil || !strings.Contains(err.Error(), c.err) {
							t.Errorf("got error %v, want %q", err, c.err)
						}
						continue
					}
					if err != nil {
						t.Fatal(err)
					}
					mem := i.Memory("m").Bytes()
					if got := string(mem[c.at : c.at+len(c.want)]); got != c.want {
						t.Errorf("at %d there is %q, want %q", c.at, got, c.want)
					}
					clear(mem)
					_ = i.Close(ctx)
				}
			})
		})
	}
}

func TestWhatDistinguishesCode(t *testing.T) {
	const base = `(memory 2) (data (i32.const 8) "hello") (func (export "f"))`
	key := func(text string, change func(*ModuleSpec)) codeKey {
		s := ModuleSpec{Name: "test", Bytes: assemble(t, "(module "+text+")"), Imports: []Ref{{Instance: 1, Name: "f"}}}
		if change != nil {
			change(&s)
		}
		k, _, err := keyOf(&s)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	want := key(base, nil)
	for _, c := range []struct {
		name, text string
		change     func(*ModuleSpec)
		same       bool
	}{
		{name: "nothing", same: true},
		{name: "data", text: `(memory 2) (data (i32.const 9) "other") (func (export "f"))`, same: true},
		{name: "a section that is not read", text: base + `(@custom "x" "y")`, same: true},
		{name: "where it is in the file", change: func(s *ModuleSpec) { s.Offset = 7 }, same: true},
		{name: "code", text: `(memory 2) (data (i32.const 8) "hello") (func (export "f") nop)`},
		{name: "the names of functions", text: `(memory 2) (data (i32.const 8) "hello") (func $f (export "f"))`},
		{name: "the size of the memory", text: `(memory 3) (data (i32.const 8) "hello") (func (export "f"))`},
		{name: "passive data", text: base + `(data "p")`},
		{name: "data that cannot be taken", text: `(memory 2) (data (i32.add (i32.const 4) (i32.const 4)) "hello") (func (export "f"))`},
		{name: "name", change: func(s *ModuleSpec) { s.Name = "tests" }},
		{name: "engine", change: func(s *ModuleSpec) { s.Engine = Interpreter }},
		{name: "instance that is imported from", change: func(s *ModuleSpec) { s.Imports[0].Instance = 2 }},
		{name: "name of what is imported", change: func(s *ModuleSpec) { s.Imports[0].Name = "g" }},
		{name: "host function that is imported", change: func(s *ModuleSpec) { s.Imports[0] = Ref{Instance: -1, Host: 1} }},
		{name: "more imports", change: func(s *ModuleSpec) { s.Imports = append(s.Imports, Ref{}) }},
	} {
		text := c.text
		if text == "" {
			text = base
		}
		if same := key(text, c.change) == want; same != c.same {
			t.Errorf("with another %s, the same code: %v, want %v", c.name, same, c.same)
		}
	}
}

func TestOffsetsOfDataAreReadAsTheyAre(t *testing.T) {
	for _, c := range []struct {
		expr string
		want uint32
		ok   bool
	}{
		{"\x41\x00\x0b", 0, true},
		{"\x41\x3f\x0b", 63, true},
		{"\x41\x40\x0b", 1<<32 - 64, true},
		{"\x41\x80\x80\x04\x0b", 65536, true},
		{"\x41\xff\xff\xff\xff\x07\x0b", 1<<31 - 1, true},
		{"\x41\x80\x80\x80\x80\x78\x0b", 1 << 31, true},
		{"\x41\xff\xff\xff\xff\x0f\x0b", 0, false}, // 33 bits
		{"\x41\x80\x80\x80\x80\x80\x00\x0b", 0, false},
		{"\x41\x00\x41\x00\x6a\x0b", 0, false},
		{"\x23\x00\x0b", 0, false},
		{"\x41\x80", 0, false},
		{"", 0, false},
	} {
		r := &reader{b: []byte(c.expr)}
		got, ok := r.constOffset()
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%x: got %d, %v, want %d, %v", c.expr, got, ok, c.want, c.ok)
		}
	}
}

// TestLargeDataIsMappedSparsely makes a memory of which the last byte is data:
// what is between takes no memory, or else the instance is not resettable.
func TestLargeDataIsMappedSparsely(t *testing.T) {
	eachMemory(t, func(t *testing.T, k Kind, _ []byte) {
		ctx, r := context.Background(), newRuntime(t, k)
		m := compileOn(t, r, assemble(t, fmt.Sprintf(`(module (memory (export "m") 1024) (data (i32.const %d) "z")
			(func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`, 64<<20-1)))
		i, err := m.Instantiate(ctx, &Host{}, nil, InstanceConfig{Budget: r.NewBudget(0), Meter: NewMeter(0)})
		if err != nil {
			t.Fatal(err)
		}
		defer i.Close(ctx)
		if got := call(t, i, "load", 64<<20-1); got != 'z' {
			t.Errorf("the last byte is %q", rune(got))
		}
		switch s := i.Snapshot(); {
		case s == nil && m.image != nil && i.mem.region != nil:
			t.Error("an image that can be mapped gives no snapshot")
		case s != nil && s.image != m.image:
			t.Error("a memory that start-up left alone has a second image")
		case s != nil && !i.Follow(s):
			t.Error("it does not follow its own snapshot")
		}
	})
}
