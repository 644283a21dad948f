package abi

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/godwit-runtime/godwit/engine/types"
)

// oracleCase is a line of testdata/oracle.json, which the executable reference
// of the specification wrote; see testdata/oracle.py.
type oracleCase struct {
	Kind     string
	Encoding string
	Params   []json.RawMessage
	Result   json.RawMessage
	Sizes    [][2]uint32
	Lift     [2][]string
	Lower    [2][]string
	Async    [2][]string // parameters of a lift, of a lower
	Args     []string
	Stack    []string
	Memory   string
	Reallocs [][4]uint32
	Trap     bool

	Value          string
	ResultStack    []string
	ResultMemory   string
	ResultReallocs [][4]uint32

	AsyncStack  []string
	AsyncMemory string

	Source, Text string
	Units        uint32
}

var encodings = map[string]Encoding{"utf8": UTF8, "utf16": UTF16, "latin1+utf16": Latin1UTF16}

var primitives = map[string]*types.Type{
	"bool": types.TypeBool, "s8": types.TypeS8, "u8": types.TypeU8, "s16": types.TypeS16,
	"u16": types.TypeU16, "s32": types.TypeS32, "u32": types.TypeU32, "s64": types.TypeS64,
	"u64": types.TypeU64, "f32": types.TypeF32, "f64": types.TypeF64, "char": types.TypeChar,
	"string": types.TypeString,
}

// oracleType reads a type; nil for null.
func oracleType(t *testing.T, raw json.RawMessage) *types.Type {
	t.Helper()
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var name string
	if json.Unmarshal(raw, &name) == nil {
		p, ok := primitives[name]
		if !ok {
			t.Fatalf("unknown type %s", raw)
		}
		return p
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range m {
		var ts []*types.Type
		var parts []json.RawMessage
		if json.Unmarshal(v, &parts) == nil && k != "fixed" {
			for _, p := range parts {
				ts = append(ts, oracleType(t, p))
			}
		}
		n, _ := strconv.Atoi(string(v))
		switch k {
		case "list":
			return list(oracleType(t, v))
		case "fixed":
			n, _ := strconv.Atoi(string(parts[1]))
			return fixed(oracleType(t, parts[0]), uint32(n))
		case "record":
			return recordOf(ts...)
		case "tuple":
			return tupleOf(ts...)
		case "variant":
			return variantOf(ts...)
		case "enum":
			return labels(types.Enum, n)
		case "flags":
			return labels(types.Flags, n)
		case "option":
			return option(oracleType(t, v))
		case "result":
			return result(ts[0], ts[1])
		case "map":
			return mapOf(ts[0], ts[1])
		}
	}
	t.Fatalf("unknown type %s", raw)
	return nil
}

func readOracle(t *testing.T, kind string) []*oracleCase {
	t.Helper()
	data, err := os.ReadFile("testdata/oracle.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []*oracleCase
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		c := &oracleCase{}
		if err := json.Unmarshal(lines.Bytes(), c); err != nil {
			t.Fatal(err)
		}
		if c.Kind == kind {
			cases = append(cases, c)
		}
	}
	if len(cases) < 50 {
		t.Fatalf("only %d cases of kind %s", len(cases), kind)
	}
	return cases
}

func coreTypes(t *testing.T, names []string) string {
	t.Helper()
	var out []types.ValType
	for _, n := range names {
		v, ok := map[string]types.ValType{"i32": types.I32, "i64": types.I64, "f32": types.F32Core, "f64": types.F64Core}[n]
		if !ok {
			t.Fatalf("unknown core type %s", n)
		}
		out = append(out, v)
	}
	return fmt.Sprint(out)
}

func parseStack(t *testing.T, s []string) []uint64 {
	t.Helper()
	out := make([]uint64, len(s), 20)
	for i := range s {
		n, err := strconv.ParseUint(s[i], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = n
	}
	return out
}

func sameMemory(t *testing.T, m *fakeMemory, want string) {
	t.Helper()
	n := len(want) / 2
	if got := hex.EncodeToString(m.mem[:n]); got != want {
		t.Errorf("memory\n got %s\nwant %s", got, want)
	}
}

func sameReallocs(t *testing.T, m *fakeMemory, want [][4]uint32) {
	t.Helper()
	if got := fmt.Sprint(m.reallocs); got != fmt.Sprint(want) {
		t.Errorf("reallocs (old, old size, alignment, new size)\n got %s\nwant %s", got, fmt.Sprint(want))
	}
}

func sameStack(t *testing.T, got, want []uint64) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("stack %x, want %x", got, want)
	}
}

func TestReferenceAgreesOnFunctions(t *testing.T) {
	for i, c := range readOracle(t, "func") {
		t.Run(fmt.Sprint(i), func(t *testing.T) { checkFunc(t, c) })
	}
}

func checkFunc(t *testing.T, c *oracleCase) {
	var params []*types.Type
	for i, p := range c.Params {
		ty := oracleType(t, p)
		params = append(params, ty)
		if Size(ty) != c.Sizes[i][0] || Align(ty) != c.Sizes[i][1] {
			t.Errorf("%s: size %d, alignment %d, want %v", p, Size(ty), Align(ty), c.Sizes[i])
		}
	}
	ft := funcOf(oracleType(t, c.Result), params...)
	for dir, want := range map[Direction][2][]string{Lift: c.Lift, Lower: c.Lower} {
		got := FlattenFunc(ft, dir)
		if fmt.Sprint(got.Params) != coreTypes(t, want[0]) || fmt.Sprint(got.Results) != coreTypes(t, want[1]) {
			t.Errorf("direction %d: flat type %x, want %v", dir, got, want)
		}
	}
	for dir, want := range c.Async {
		got := FlattenFuncAsync(ft, Direction(dir), true)
		if fmt.Sprint(got.Params) != coreTypes(t, want) || fmt.Sprint(got.Results) != fmt.Sprint(flatI32) {
			t.Errorf("direction %d: async flat type %x, want %v", dir, got, want)
		}
	}
	codec := mustCodec(t, ft)
	args := make([]Value, len(params))
	for i, text := range c.Args {
		v, err := Parse(params[i], text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		args[i] = v
	}
	if err := codec.CheckParams(args); err != nil {
		t.Fatal(err)
	}

	m := newFakeMemory(4096)
	stack := make([]uint64, len(c.Stack), 20)
	for i := range stack {
		stack[i] = 0xdeadbeefdeadbeef // what a call before left there
	}
	codec.LowerParams(m.context(encodings[c.Encoding]), args, stack)
	sameStack(t, stack, parseStack(t, c.Stack))
	sameMemory(t, m, c.Memory)
	sameReallocs(t, m, c.Reallocs)

	back, out := codec.LiftParams(m.context(encodings[c.Encoding]), append(stack, 77))
	for i := range back {
		sameText(t, params[i], back[i], args[i])
	}
	if wantOut := uint32(len(c.Lower[0])-len(c.Lift[0])) * 77; out != wantOut {
		t.Errorf("return pointer %d, want %d", out, wantOut)
	}
	if c.AsyncStack != nil {
		checkAsync(t, c, codec, args)
	}
	for name, e := range encodings {
		checkBetween(t, codec, m.context(encodings[c.Encoding]), append(stack, 77), name, e)
	}
	if ft.Result != nil {
		checkResult(t, c, codec, ft.Result)
	}
}

// checkAsync lifts what the reference lowered for an asynchronous caller.
func checkAsync(t *testing.T, c *oracleCase, codec *Codec, args []Value) {
	mem, err := hex.DecodeString(c.AsyncMemory)
	if err != nil {
		t.Fatal(err)
	}
	m := &fakeMemory{mem: mem}
	back, out := codec.LiftParamsAsync(m.context(UTF8), append(parseStack(t, c.AsyncStack), 77))
	for i, p := range codec.ft.Params {
		sameText(t, p.Type, back[i], args[i])
	}
	if (out == 77) != (codec.result != nil) {
		t.Errorf("return pointer %d", out)
	}
}

// checkBetween passes what is on stack on to a component with encoding e.
func checkBetween(t *testing.T, codec *Codec, from *Context, stack []uint64, name string, e Encoding) {
	t.Helper()
	want, _ := codec.LiftParams(from, stack)
	m := newFakeMemory(4096)
	to := m.context(e)
	from.Between, to.Between = true, true
	args, _ := codec.LiftParams(from, stack)
	if err := codec.CheckParams(args); err != nil {
		t.Fatal(err)
	}
	dst := make([]uint64, len(stack))
	codec.LowerParams(to, args, dst)
	got, _ := codec.LiftParams(m.context(e), dst)
	for i, p := range codec.ft.Params {
		t.Run("to "+name, func(t *testing.T) { sameText(t, p.Type, got[i], want[i]) })
	}
}

func checkResult(t *testing.T, c *oracleCase, codec *Codec, r *types.Type) {
	v, err := Parse(r, c.Value)
	if err != nil {
		t.Fatalf("%s: %v", c.Value, err)
	}
	m := newFakeMemory(4096)
	at := (16 + Align(r) - 1) / Align(r) * Align(r)
	m.next = at + Size(r)
	stack := make([]uint64, 1)
	codec.LowerResult(m.context(encodings[c.Encoding]), v, stack, at)
	sameStack(t, stack[:len(c.ResultStack)], parseStack(t, c.ResultStack))
	sameMemory(t, m, c.ResultMemory)
	sameReallocs(t, m, c.ResultReallocs)
	if len(c.ResultStack) == 0 {
		stack[0] = uint64(at)
		async := newFakeMemory(4096)
		async.next = at + Size(r)
		codec.LowerResultAsync(async.context(encodings[c.Encoding]), v, at)
		sameMemory(t, async, c.ResultMemory)
	}
	sameText(t, r, codec.LiftResult(m.context(encodings[c.Encoding]), stack), v)
}

func sameText(t *testing.T, ty *types.Type, got, want Value) {
	t.Helper()
	if g, w := Format(ty, got), Format(ty, want); g != w {
		t.Errorf("value\n got %s\nwant %s", g, w)
	}
}

func TestReferenceAgreesOnDamagedMemory(t *testing.T) {
	traps := 0
	for i, c := range readOracle(t, "lift") {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			ty := oracleType(t, c.Params[0])
			codec := mustCodec(t, funcOf(nil, ty))
			mem, err := hex.DecodeString(c.Memory)
			if err != nil {
				t.Fatal(err)
			}
			m := &fakeMemory{mem: mem}
			var got []Value
			tr := trapOf(func() { got, _ = codec.LiftParams(m.context(encodings[c.Encoding]), parseStack(t, c.Stack)) })
			if (tr != nil) != c.Trap {
				t.Fatalf("%s %v: trap %v, the reference traps: %v", c.Params[0], c.Stack, tr, c.Trap)
			}
			if c.Trap {
				traps++
				return
			}
			want, err := Parse(ty, c.Args[0])
			if err != nil {
				t.Fatalf("%s: %v", c.Args[0], err)
			}
			sameText(t, ty, got[0], want)
		})
	}
	if traps < 50 {
		t.Errorf("only %d cases trap", traps)
	}
}

func TestReferenceAgreesOnReallocsOfStringsBetweenEncodings(t *testing.T) {
	sources := map[string]Encoding{"utf8": UTF8, "utf16": UTF16, "latin1": Latin1UTF16, "tagged": Latin1UTF16}
	for _, c := range readOracle(t, "string") {
		t.Run(c.Source+" to "+c.Encoding+" "+c.Text, func(t *testing.T) {
			codec := mustCodec(t, funcOf(nil, types.TypeString))
			m := newFakeMemory(4096)
			stack := make([]uint64, 2)
			s := encodedString{c.Text, sources[c.Source], c.Units}
			codec.LowerParams(m.context(encodings[c.Encoding]), []Value{s}, stack)
			sameStack(t, stack, parseStack(t, c.Stack))
			sameMemory(t, m, c.Memory)
			sameReallocs(t, m, c.Reallocs)
			back, _ := codec.LiftParams(m.context(encodings[c.Encoding]), stack)
			if back[0] != c.Text {
				t.Errorf("lifted %q, want %q", back[0], c.Text)
			}
			if c.Source == "utf8" {
				// A string of the host is lowered as one from UTF-8.
				host := newFakeMemory(4096)
				host.context(encodings[c.Encoding]).LowerString(stack, c.Text)
				sameStack(t, stack, parseStack(t, c.Stack))
				sameReallocs(t, host, c.Reallocs)
			}
		})
	}
}
