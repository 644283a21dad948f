package component

import (
	"fmt"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// The canonical built-ins.
const (
	ResourceNew                CanonOp = 0x02
	ResourceDrop               CanonOp = 0x03
	ResourceRep                CanonOp = 0x04
	TaskCancel                 CanonOp = 0x05
	SubtaskCancel              CanonOp = 0x06
	TaskReturn                 CanonOp = 0x09
	ContextGet                 CanonOp = 0x0a
	ContextSet                 CanonOp = 0x0b
	ThreadYield                CanonOp = 0x0c
	SubtaskDrop                CanonOp = 0x0d
	StreamNew                  CanonOp = 0x0e
	StreamRead                 CanonOp = 0x0f
	StreamWrite                CanonOp = 0x10
	StreamCancelRead           CanonOp = 0x11
	StreamCancelWrite          CanonOp = 0x12
	StreamDropReadable         CanonOp = 0x13
	StreamDropWritable         CanonOp = 0x14
	FutureNew                  CanonOp = 0x15
	FutureRead                 CanonOp = 0x16
	FutureWrite                CanonOp = 0x17
	FutureCancelRead           CanonOp = 0x18
	FutureCancelWrite          CanonOp = 0x19
	FutureDropReadable         CanonOp = 0x1a
	FutureDropWritable         CanonOp = 0x1b
	ErrorContextNew            CanonOp = 0x1c
	ErrorContextDebugMessage   CanonOp = 0x1d
	ErrorContextDrop           CanonOp = 0x1e
	WaitableSetNew             CanonOp = 0x1f
	WaitableSetWait            CanonOp = 0x20
	WaitableSetPoll            CanonOp = 0x21
	WaitableSetDrop            CanonOp = 0x22
	WaitableJoin               CanonOp = 0x23
	BackpressureInc            CanonOp = 0x24
	BackpressureDec            CanonOp = 0x25
	ThreadIndex                CanonOp = 0x26
	ThreadNewIndirect          CanonOp = 0x27
	ThreadResumeLater          CanonOp = 0x28
	ThreadSuspend              CanonOp = 0x29
	ThreadSuspendThenResume    CanonOp = 0x2a
	ThreadYieldThenResume      CanonOp = 0x2b
	ThreadSuspendThenPromote   CanonOp = 0x2c
	ThreadYieldThenPromote     CanonOp = 0x2d
	ThreadSpawnRef             CanonOp = 0x40
	ThreadSpawnIndirect        CanonOp = 0x41
	ThreadAvailableParallelism CanonOp = 0x42
)

// immediates is what follows the opcode of a built-in.
type immediates uint8

const (
	noImmediate immediates = iota
	resourceImmediate
	streamImmediate
	streamOptions // the stream or future type, then options
	streamAsync
	asyncImmediate
	cancellableImmediate
	optionsImmediate
	memoryImmediate // cancellable, then a memory
	contextImmediate
	returnImmediate
	threadNew
	threadSpawn
	threadSpawnTable
	sharedImmediate
)

// builtin describes a built-in. Signatures are written with i and I for i32 and
// i64, parameters before the colon.
type builtin struct {
	name       string
	immediates immediates
	signature  string
}

var builtins = map[CanonOp]builtin{
	ResourceNew:                {"resource.new", resourceImmediate, "i:i"},
	ResourceDrop:               {"resource.drop", resourceImmediate, "i:"},
	ResourceRep:                {"resource.rep", resourceImmediate, "i:i"},
	TaskCancel:                 {"task.cancel", noImmediate, ":"},
	SubtaskCancel:              {"subtask.cancel", asyncImmediate, "i:i"},
	TaskReturn:                 {"task.return", returnImmediate, ""},
	ContextGet:                 {"context.get", contextImmediate, ""},
	ContextSet:                 {"context.set", contextImmediate, ""},
	ThreadYield:                {"thread.yield", cancellableImmediate, ":i"},
	SubtaskDrop:                {"subtask.drop", noImmediate, "i:"},
	StreamNew:                  {"stream.new", streamImmediate, ":I"},
	StreamRead:                 {"stream.read", streamOptions, "iii:i"},
	StreamWrite:                {"stream.write", streamOptions, "iii:i"},
	StreamCancelRead:           {"stream.cancel-read", streamAsync, "i:i"},
	StreamCancelWrite:          {"stream.cancel-write", streamAsync, "i:i"},
	StreamDropReadable:         {"stream.drop-readable", streamImmediate, "i:"},
	StreamDropWritable:         {"stream.drop-writable", streamImmediate, "i:"},
	FutureNew:                  {"future.new", streamImmediate, ":I"},
	FutureRead:                 {"future.read", streamOptions, "ii:i"},
	FutureWrite:                {"future.write", streamOptions, "ii:i"},
	FutureCancelRead:           {"future.cancel-read", streamAsync, "i:i"},
	FutureCancelWrite:          {"future.cancel-write", streamAsync, "i:i"},
	FutureDropReadable:         {"future.drop-readable", streamImmediate, "i:"},
	FutureDropWritable:         {"future.drop-writable", streamImmediate, "i:"},
	ErrorContextNew:            {"error-context.new", optionsImmediate, "ii:i"},
	ErrorContextDebugMessage:   {"error-context.debug-message", optionsImmediate, "ii:"},
	ErrorContextDrop:           {"error-context.drop", noImmediate, "i:"},
	WaitableSetNew:             {"waitable-set.new", noImmediate, ":i"},
	WaitableSetWait:            {"waitable-set.wait", memoryImmediate, "ii:i"},
	WaitableSetPoll:            {"waitable-set.poll", memoryImmediate, "ii:i"},
	WaitableSetDrop:            {"waitable-set.drop", noImmediate, "i:"},
	WaitableJoin:               {"waitable.join", noImmediate, "ii:"},
	BackpressureInc:            {"backpressure.inc", noImmediate, ":"},
	BackpressureDec:            {"backpressure.dec", noImmediate, ":"},
	ThreadIndex:                {"thread.index", noImmediate, ":i"},
	ThreadNewIndirect:          {"thread.new-indirect", threadNew, "ii:i"},
	ThreadResumeLater:          {"thread.resume-later", noImmediate, "i:"},
	ThreadSuspend:              {"thread.suspend", cancellableImmediate, ":i"},
	ThreadSuspendThenResume:    {"thread.suspend-then-resume", cancellableImmediate, "i:i"},
	ThreadYieldThenResume:      {"thread.yield-then-resume", cancellableImmediate, "i:i"},
	ThreadSuspendThenPromote:   {"thread.suspend-then-promote", cancellableImmediate, "i:i"},
	ThreadYieldThenPromote:     {"thread.yield-then-promote", cancellableImmediate, "i:i"},
	ThreadSpawnRef:             {"thread.spawn-ref", threadSpawn, "ri:i"},
	ThreadSpawnIndirect:        {"thread.spawn-indirect", threadSpawnTable, "ii:i"},
	ThreadAvailableParallelism: {"thread.available-parallelism", sharedImmediate, ":i"},
}

// String is the name of the built-in.
func (op CanonOp) String() string {
	if b, ok := builtins[op]; ok {
		return b.name
	}
	return fmt.Sprintf("canonical built-in %#x", byte(op))
}

// signature parses a signature as builtins has them.
func signature(s string) (f types.CoreFuncType) {
	to := &f.Params
	for _, c := range s {
		switch c {
		case ':':
			to = &f.Results
		case 'i':
			*to = append(*to, types.I32)
		case 'I':
			*to = append(*to, types.I64)
		case 'r':
			*to = append(*to, types.FuncRef)
		}
	}
	return f
}

func (d *decoder) canonBuiltin(s *scope, opcode byte) {
	op := CanonOp(opcode)
	b, ok := builtins[op]
	if !ok {
		d.invalid(opcode, "canonical function")
	}
	def := &CanonBuiltin{Op: op, FuncType: signature(b.signature)}
	d.immediates(s, def, b.immediates)
	if def.Type != nil {
		w := d.infoOf(def.Type).weight
		d.charge(w)
		def.Weight = int(w)
	}
	ft := def.FuncType
	d.pushCore(s, types.CoreExtern{Sort: types.CoreFunc, Func: &ft})
	s.def(def)
}

//godwit:dispatch
func (d *decoder) immediates(s *scope, def *CanonBuiltin, kind immediates) {
	switch kind {
	case resourceImmediate:
		def.Resource = d.resourceAt(s, d.u32())
		if def.Op != ResourceDrop && !s.local[s.same.Resource(def.Resource)] {
			d.fail("resource used in `%s` is not a local resource", def.Op)
		}
	case streamImmediate:
		d.streamType(s, def)
	case streamOptions:
		d.streamType(s, def)
		def.Options = d.options(s)
		d.checkStreamOptions(def)
	case streamAsync:
		d.streamType(s, def)
		def.Async = d.boolean()
	case asyncImmediate:
		def.Async = d.boolean()
	case cancellableImmediate:
		def.Cancellable = d.boolean()
	case optionsImmediate:
		def.Options = d.options(s)
		if def.Options.Async || def.Options.HasPostReturn || def.Options.HasCallback {
			d.fail("`%s` takes the options `memory`, `realloc` and a string encoding alone", def.Op)
		}
		d.require(&def.Options, needs{memory: true, realloc: def.Op == ErrorContextDebugMessage})
	case memoryImmediate:
		def.Cancellable = d.boolean()
		def.Options = Options{HasMemory: true, Memory: d.u32()}
		d.canonMemory(s, def.Options.Memory)
	case contextImmediate:
		d.contextType(def)
	case returnImmediate:
		d.taskReturn(s, def)
	case threadNew:
		d.threadType(s, def)
		def.Table = d.u32()
		d.funcTable(s, def.Table)
	case threadSpawn:
		def.Shared = d.boolean()
		d.threadType(s, def)
	case threadSpawnTable:
		def.Shared = d.boolean()
		d.threadType(s, def)
		def.Table = d.u32()
		d.funcTable(s, def.Table)
	case sharedImmediate:
		def.Shared = d.boolean()
	}
}

// streamType reads the type index of a stream or future.
func (d *decoder) streamType(s *scope, def *CanonBuiltin) {
	i := d.u32()
	want := types.Stream
	if def.Op >= FutureNew {
		want = types.Future
	}
	t := d.typeAt(s, i)
	if t.Value == nil || t.Value.Kind != want {
		d.fail("`%s` requires a %s type: type index %d is not a %s type", def.Op, want, i, want)
	}
	def.Type = t.Value
}

func (d *decoder) checkStreamOptions(def *CanonBuiltin) {
	o := &def.Options
	if o.HasPostReturn || o.HasCallback {
		d.fail("`%s` takes no `post-return` or `callback`", def.Op)
	}
	if def.Type.Elem == nil {
		return
	}
	reads := def.Op == StreamRead || def.Op == FutureRead
	d.require(o, needs{memory: true, realloc: reads && hasPointer(def.Type.Elem)})
}

func (d *decoder) contextType(def *CanonBuiltin) {
	def.ContextType = d.coreValType()
	if def.ContextType != types.I32 {
		d.fail("`%s` is of type i32", def.Op)
	}
	def.Slot = d.u32()
	if def.Slot > 1 {
		d.fail("immediate of `%s` must be zero or one: it is %d", def.Op, def.Slot)
	}
	if def.Op == ContextGet {
		def.FuncType.Results = []types.ValType{def.ContextType}
	} else {
		def.FuncType.Params = []types.ValType{def.ContextType}
	}
}

func (d *decoder) taskReturn(s *scope, def *CanonBuiltin) {
	switch b := d.byte(); b {
	case 0:
		def.Type = d.valueType(s)
	case 1:
		if b := d.byte(); b != 0 {
			d.invalid(b, "number of results")
		}
	default:
		d.invalid(b, "component function results")
	}
	def.Options = d.options(s)
	o := &def.Options
	if o.HasRealloc || o.HasPostReturn || o.HasCallback || o.Async {
		d.fail("`task.return` takes the options `memory` and a string encoding alone")
	}
	f := &types.Func{}
	if def.Type != nil {
		f.Params = []types.Field{{Name: "result", Type: def.Type}}
		if d.infoOf(def.Type).borrow {
			d.fail("function result cannot contain a `borrow` type")
		}
	}
	n, pointer := flatParams(f)
	d.require(o, needs{memory: pointer || n > abi.MaxFlatParams})
	def.FuncType = abi.FlattenFunc(f, abi.Lower)
}

// threadType reads the type of a thread's start function: it takes one i32.
func (d *decoder) threadType(s *scope, def *CanonBuiltin) {
	i := d.u32()
	outOfBounds(&d.reader, s.coreTypes, i, "type")
	f := s.coreTypes[i].Func
	if f == nil {
		d.fail("type index %d is not a function type", i)
	}
	if !allI32(f.Params, 1) || len(f.Results) != 0 {
		d.fail("start function must take a single `i32` argument and return nothing")
	}
	def.CoreType = f
}

func (d *decoder) funcTable(s *scope, i uint32) {
	outOfBounds(&d.reader, s.tables, i, "table")
	if t := s.tables[i].Table; t.Elem != types.FuncRef || t.Limits.Is64 {
		d.fail("table %d is not a table of `funcref` with indices of type i32", i)
	}
}
