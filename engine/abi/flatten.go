package abi

import (
	"slices"

	"github.com/godwit-runtime/godwit/engine/types"
)

// Limits on flat parameters and results; what is more goes through memory.
const (
	MaxFlatParams      = 16 // spec: MAX_FLAT_PARAMS
	MaxFlatAsyncParams = 4  // spec: MAX_FLAT_ASYNC_PARAMS
	MaxFlatResults     = 1  // spec: MAX_FLAT_RESULTS
)

// maxFlatten is how many flat types Flatten returns at most: enough to see that
// there are too many.
const maxFlatten = MaxFlatParams + 1

// Direction says whether a core function is lifted or lowered.
type Direction uint8

// The directions. They differ in where a result of more than one flat value goes.
const (
	Lift  Direction = iota // a core function that becomes a component function
	Lower                  // a component function that becomes a core function
)

// Flatten returns the core types that a value of type t flattens to. When there
// are more than MaxFlatParams it returns the first MaxFlatParams+1.
//
// spec: flatten_type
func Flatten(t *types.Type) []types.ValType {
	return slices.Clone(make(flattened).of(t))
}

// FlattenFunc is the core type of a function of type ft that is lifted or
// lowered synchronously.
//
// spec: flatten_functype, not async
func FlattenFunc(ft *types.Func, dir Direction) types.CoreFuncType {
	params, results := flattenFunc(ft)
	if len(params) > MaxFlatParams {
		params = []types.ValType{types.I32}
	}
	if len(results) > MaxFlatResults {
		if dir == Lift {
			results = []types.ValType{types.I32}
		} else {
			params, results = append(params, types.I32), nil
		}
	}
	return types.CoreFuncType{Params: params, Results: results}
}

// FlattenFuncAsync is the core type of a function of type ft that is lifted or
// lowered with the async option. callback is whether a lift has that option.
//
// spec: flatten_functype, async
func FlattenFuncAsync(ft *types.Func, dir Direction, callback bool) types.CoreFuncType {
	params, results := flattenFunc(ft)
	limit := MaxFlatParams
	if dir == Lower {
		limit = MaxFlatAsyncParams
	}
	if len(params) > limit {
		params = []types.ValType{types.I32}
	}
	if dir == Lift {
		if callback {
			return types.CoreFuncType{Params: params, Results: []types.ValType{types.I32}}
		}
		return types.CoreFuncType{Params: params}
	}
	if len(results) > 0 {
		params = append(params, types.I32)
	}
	return types.CoreFuncType{Params: params, Results: []types.ValType{types.I32}}
}

func flattenFunc(ft *types.Func) (params, results []types.ValType) {
	f := make(flattened)
	params = f.fields(ft.Params)
	if ft.Result != nil {
		results = append(results, f.of(ft.Result)...)
	}
	return params, results
}

// flattened remembers the flat types of composite types; see layouts.
type flattened map[*types.Type][]types.ValType

var (
	flatI32  = []types.ValType{types.I32}
	flatI64  = []types.ValType{types.I64}
	flatF32  = []types.ValType{types.F32Core}
	flatF64  = []types.ValType{types.F64Core}
	flatPair = []types.ValType{types.I32, types.I32}
)

// of is the flat types of t, at most maxFlatten. The result is not to be written.
//
//godwit:dispatch
func (f flattened) of(t *types.Type) []types.ValType {
	switch t.Kind {
	case types.S64, types.U64:
		return flatI64
	case types.F32:
		return flatF32
	case types.F64:
		return flatF64
	case types.String, types.List, types.Map:
		return flatPair
	case types.FixedList, types.Record, types.Tuple, types.Variant, types.Option, types.Result:
		flat, ok := f[t]
		if !ok {
			flat = f.composite(t)
			f[t] = flat
		}
		return flat
	}
	return flatI32
}

func (f flattened) composite(t *types.Type) []types.ValType {
	switch t.Kind {
	case types.FixedList:
		var flat []types.ValType
		elem := f.of(t.Elem)
		for i := uint32(0); i < t.Len && len(elem) > 0 && len(flat) < maxFlatten; i++ {
			flat = append(flat, elem...)
		}
		return flat[:min(len(flat), maxFlatten)]
	case types.Record, types.Tuple:
		return f.fields(t.Fields)
	}
	return f.variant(Payloads(t))
}

// spec: flatten_record
func (f flattened) fields(fields []types.Field) []types.ValType {
	flat := make([]types.ValType, 0, min(len(fields)+1, maxFlatten))
	for _, field := range fields {
		flat = append(flat, f.of(field.Type)...)
		if len(flat) >= maxFlatten {
			return flat[:maxFlatten]
		}
	}
	return flat
}

// spec: flatten_variant
func (f flattened) variant(cases []*types.Type) []types.ValType {
	flat := []types.ValType{types.I32}
	for _, c := range cases {
		if c == nil {
			continue
		}
		for i, have := range f.of(c) {
			if i+1 < len(flat) {
				flat[i+1] = join(flat[i+1], have)
			} else if len(flat) < maxFlatten {
				flat = append(flat, have)
			}
		}
	}
	return flat
}

// spec: join
func join(a, b types.ValType) types.ValType {
	switch {
	case a == b:
		return a
	case a == types.I32 && b == types.F32Core, a == types.F32Core && b == types.I32:
		return types.I32
	}
	return types.I64
}
