package abi

import "github.com/godwit-runtime/godwit/engine/types"

// Value is a dynamic component value. Its Go type follows from its component type:
//
//	bool, s8…s64, u8…u64, f32, f64   bool, int8…int64, uint8…uint64, float32, float64
//	char                             Char
//	string                           string
//	list<u8>                         []byte
//	list<T>, list<T, N>              List
//	record, tuple                    Record (in declaration order)
//	variant, option, result, enum    Variant (option: 0 none, 1 some; result: 0 ok, 1 error)
//	flags                            Flags
//	map<K, V>                        Map
//	own<R>, borrow<R>                Resource
//	stream, future, error-context    what Handles.LiftAsync made
type Value any

// Char is a Unicode scalar value.
type Char rune

// List is a list of anything but bytes.
type List []Value

// Record is a record or tuple.
type Record []Value

// Variant is a variant, enum, option or result. Payload is nil where the case has none.
type Variant struct {
	Case    uint32
	Payload Value
}

// Flags holds label i in bit i.
type Flags uint32

// Map is a map in the order of its entries.
type Map []MapEntry

// MapEntry is one entry of a Map.
type MapEntry struct{ Key, Value Value }

// Resource is an own or borrow handle that has left its table.
type Resource struct {
	Type *types.Resource
	Own  bool
	Rep  Rep
}
