package wat

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine/core"
)

// sampleImmediates is text that may stand behind an instruction in sampleModule.
var sampleImmediates = map[immediate]string{
	immNone: "", immFence: "", immSelect: "",
	immBlock: "end", immLabel: "0", immLabels: "0 0",
	immLocal: "0", immGlobal: "$g", immFunc: "$f", immTag: "$e",
	immTable: "$t", immTableTable: "", immTableElem: "$s", immElem: "$s",
	immMemory: "", immMemoryMemory: "", immMemoryData: "$d", immData: "$d",
	immMemArg: "offset=8 align=1", immMemArgLane: "offset=8 align=1 1", immCallIndirect: "(type $y)",
	immI32: "-1", immI64: "-1", immF32: "-0x1p-3", immF64: "nan:0x123", immV128: "i32x4 1 2 3 4",
	immLane: "1", immLanes: "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31",
	immHeapType: "func",
	immType:     "0", immTypeField: "0 0", immTypeCount: "0 3", immTypeType: "0 0", immTypeData: "0 $d", immTypeElem: "0 $s",
	immRefTest: "funcref", immBranchOnCast: "0 funcref (ref func)",
}

// sampleModule is a module in which an instruction is valid whatever it takes and
// returns: nothing of what surrounds it is reached.
func sampleModule(name string) string {
	imm := sampleImmediates[opcodes[name].imm]
	if strings.Contains(name, ".atomic.") { // these want their natural alignment
		imm = ""
	}
	return `(module
		(type $y (func))
		(table $t 1 funcref) (memory 1) (global $g (mut i32) (i32.const 0)) (tag $e)
		(elem $s func $f) (data $d "x")
		(func $f (local i32) unreachable ` + name + " " + imm + ` unreachable))`
}

// notOnWazero tells which instructions no engine of godwit runs.
func notOnWazero(name string) bool {
	switch {
	case opcodes[name].code[0] == prefixGC, strings.Contains(name, ".relaxed_"):
	case strings.HasSuffix(name, "128") && strings.HasPrefix(name, "i64."), strings.HasPrefix(name, "i64.mul_wide"):
	case name == "ref.eq", name == "ref.as_non_null", strings.HasPrefix(name, "br_on_"), strings.HasSuffix(name, "call_ref"):
	default:
		return false
	}
	return true
}

// Each instruction is what the decoder and the validator of another author take it for.
func TestEveryInstructionCompiles(t *testing.T) {
	ctx := context.Background()
	r, err := core.NewRuntime(ctx, core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(ctx) })
	compiled := 0
	for _, name := range slices.Sorted(maps.Keys(opcodes)) {
		if imm := opcodes[name].imm; imm == immElse || imm == immEnd {
			continue
		}
		b, err := Assemble("", []byte(sampleModule(name)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		m, err := r.CompileModule(ctx, core.ModuleSpec{Name: name, Bytes: b, Engine: core.Interpreter})
		if err != nil {
			if !notOnWazero(name) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if notOnWazero(name) {
			t.Errorf("%s compiles, but is listed as not supported", name)
		}
		compiled++
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	var u *core.UnsupportedError
	_ = errors.As(err, &u)
	t.Logf("%d of %d instructions", compiled, len(opcodes))
}
