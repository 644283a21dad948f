package component

import (
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// This file reads canon lift, canon lower and their options; the built-ins are
// in canon_builtin.go (CanonicalABI.md, "Canonical Definitions").

func (d *decoder) canon(s *scope) {
	switch b := d.byte(); b {
	case 0x00:
		if b := d.byte(); b != 0 {
			d.invalid(b, "canonical function lift")
		}
		d.canonLift(s)
	case 0x01:
		if b := d.byte(); b != 0 {
			d.invalid(b, "canonical function lower")
		}
		d.canonLower(s)
	default:
		d.canonBuiltin(s, b)
	}
}

// options reads canonical options and checks what does not depend on their use.
func (d *decoder) options(s *scope) Options {
	var o Options
	encoded := false
	names := [...]string{"utf8", "utf16", "latin1-utf16"}
	once := func(have *bool, what string) {
		if *have {
			d.fail("canonical option `%s` is specified more than once", what)
		}
		*have = true
	}
	for range d.count(100, "canonical options") {
		switch b := d.byte(); b {
		case 0, 1, 2:
			if encoded {
				d.fail("canonical encoding option `%s` conflicts with option `%s`", names[o.Encoding], names[b])
			}
			o.Encoding, encoded = StringEncoding(b), true
		case 3:
			once(&o.HasMemory, "memory")
			o.Memory = d.u32()
			d.canonMemory(s, o.Memory)
		case 4:
			once(&o.HasRealloc, "realloc")
			o.Realloc = d.u32()
			d.checkSignature(s, o.Realloc, "realloc", 4, 1)
		case 5:
			once(&o.HasPostReturn, "post-return")
			o.PostReturn = d.u32()
			d.coreFuncAt(s, o.PostReturn)
		case 6:
			once(&o.Async, "async")
		case 7:
			once(&o.HasCallback, "callback")
			o.Callback = d.u32()
			d.checkSignature(s, o.Callback, "callback", 3, 1)
		default:
			d.invalid(b, "canonical option")
		}
	}
	if o.HasRealloc && !o.HasMemory {
		d.fail("canonical option `realloc` requires `memory` to also be specified")
	}
	if o.HasCallback && !o.Async {
		d.fail("cannot specify callback without async: canonical option `callback` requires `async`")
	}
	return o
}

// canonMemory checks that a memory is one that built-ins and lifting can use.
func (d *decoder) canonMemory(s *scope, i uint32) {
	m := d.memoryAt(s, i).Memory
	switch {
	case m.Is64:
		d.fail("canonical ABI memory is not a 32-bit linear memory: it is addressed with i64")
	case m.Shared:
		d.fail("canonical ABI memory is not a 32-bit linear memory: mismatch in the shared flag for memories")
	case m.PageSizeLog2 != 16:
		d.fail("canonical ABI memory is not a 32-bit linear memory: mismatch in page size for memories")
	}
}

// checkSignature checks that a core function takes and returns that many i32.
func (d *decoder) checkSignature(s *scope, i uint32, option string, params, results int) {
	f := d.coreFuncAt(s, i)
	if !allI32(f.Params, params) || !allI32(f.Results, results) {
		d.fail("canonical option `%s` uses a core function with an incorrect signature", option)
	}
}

func allI32(ts []types.ValType, n int) bool {
	if len(ts) != n {
		return false
	}
	for _, t := range ts {
		if t != types.I32 {
			return false
		}
	}
	return true
}

// needs is what a lift or lower asks of the options.
type needs struct{ memory, realloc bool }

func (d *decoder) require(o *Options, n needs) {
	if (n.memory || n.realloc) && !o.HasMemory {
		d.fail("canonical option `memory` is required")
	}
	if n.realloc && !o.HasRealloc {
		d.fail("canonical option `realloc` is required")
	}
}

// hasPointer reports whether a value of type t has a part in linear memory.
func hasPointer(t *types.Type) bool {
	if t == nil {
		return false
	}
	switch t.Kind {
	case types.String, types.List, types.Map:
		return true
	case types.Stream, types.Future:
		return false
	}
	for _, f := range t.Fields {
		if hasPointer(f.Type) {
			return true
		}
	}
	for _, c := range t.Cases {
		if hasPointer(c.Type) {
			return true
		}
	}
	return hasPointer(t.Elem) || hasPointer(t.OK) || hasPointer(t.Err)
}

// flatParams counts the flat parameters of f, up to one more than the limit.
func flatParams(f *types.Func) (n int, pointer bool) {
	for _, p := range f.Params {
		n += len(abi.Flatten(p.Type))
		pointer = pointer || hasPointer(p.Type)
		if n > abi.MaxFlatParams {
			break
		}
	}
	return n, pointer
}

func (d *decoder) canonLift(s *scope) {
	def := &CanonLift{Core: d.u32()}
	core := d.coreFuncAt(s, def.Core)
	def.Options = d.options(s)
	def.Type = d.funcTypeAt(s, d.u32())
	o := &def.Options
	w := d.weightFunc(def.Type)
	d.charge(w)
	def.Weight = int(w)
	if o.Async && !def.Type.Async {
		d.fail("the `async` canonical option requires an async function type")
	}
	if o.Async && o.HasPostReturn {
		d.fail("cannot specify post-return function in async: canonical option `post-return` conflicts with `async`")
	}
	params, pointer := flatParams(def.Type)
	d.require(o, needs{realloc: pointer || params > abi.MaxFlatParams})
	if r := def.Type.Result; r != nil {
		limit := abi.MaxFlatResults
		if o.Async {
			limit = abi.MaxFlatParams // it is passed to task.return
		}
		d.require(o, needs{memory: hasPointer(r) || len(abi.Flatten(r)) > limit})
	}
	want := abi.FlattenFunc(def.Type, abi.Lift)
	if o.Async {
		want = abi.FlattenFuncAsync(def.Type, abi.Lift, o.HasCallback)
	}
	d.checkLifted(&want, core, def.Core)
	if o.HasPostReturn {
		post := d.coreFuncAt(s, o.PostReturn)
		if !post.Equal(&types.CoreFuncType{Params: core.Results}) {
			d.fail("canonical option `post-return` uses a core function with an incorrect signature")
		}
	}
	d.push(s, types.Extern{Sort: types.SortFunc, Func: def.Type})
	s.def(def)
}

// checkLifted checks the core function that is lifted.
func (d *decoder) checkLifted(want, have *types.CoreFuncType, index uint32) {
	if !equal(want.Params, have.Params) {
		d.fail("lowered parameter types `%s` do not match parameter types `%s` of core function %d",
			list(want.Params), list(have.Params), index)
	}
	if !equal(want.Results, have.Results) {
		d.fail("lowered result types `%s` do not match result types `%s` of core function %d",
			list(want.Results), list(have.Results), index)
	}
}

func equal(a, b []types.ValType) bool {
	return (&types.CoreFuncType{Params: a}).Equal(&types.CoreFuncType{Params: b})
}

// list writes core types as the reference tests have them in messages.
func list(ts []types.ValType) string {
	s := "["
	for k, t := range ts {
		if k > 0 {
			s += ", "
		}
		switch t {
		case types.I32:
			s += "I32"
		case types.I64:
			s += "I64"
		case types.F32Core:
			s += "F32"
		case types.F64Core:
			s += "F64"
		default:
			s += t.String()
		}
	}
	return s + "]"
}

func (d *decoder) canonLower(s *scope) {
	def := &CanonLower{Func: d.u32()}
	def.Type = d.funcAt(s, def.Func)
	def.Options = d.options(s)
	o := &def.Options
	w := d.weightFunc(def.Type)
	d.charge(w)
	def.Weight = int(w)
	if o.Async && !def.Type.Async {
		d.fail("the `async` canonical option requires an async function type")
	}
	if o.HasPostReturn {
		d.fail("canonical option `post-return` cannot be specified for lowerings")
	}
	if o.HasCallback {
		d.fail("canonical option `callback` cannot be specified for lowerings")
	}
	limit := abi.MaxFlatParams
	if o.Async {
		limit = abi.MaxFlatAsyncParams
	}
	params, pointer := flatParams(def.Type)
	d.require(o, needs{memory: pointer || params > limit})
	if r := def.Type.Result; r != nil {
		// CanonicalABI.md asks for memory with async even where nothing is stored in
		// it; its tests do not.
		flat := len(abi.Flatten(r))
		d.require(o, needs{memory: flat > abi.MaxFlatResults || o.Async && flat > 0, realloc: hasPointer(r)})
	}
	ft := abi.FlattenFunc(def.Type, abi.Lower)
	if o.Async {
		ft = abi.FlattenFuncAsync(def.Type, abi.Lower, false)
	}
	d.pushCore(s, types.CoreExtern{Sort: types.CoreFunc, Func: &ft})
	s.def(def)
}
