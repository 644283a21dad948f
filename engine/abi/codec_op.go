package abi

import (
	"errors"
	"fmt"

	"github.com/godwit-runtime/godwit/engine/types"
)

// op is a type with all that the codec needs of it at hand.
type op struct {
	kind types.Kind
	t    *types.Type

	size, align  uint32
	flat         int
	discriminant uint32 // size
	payload      uint32 // offset

	elem   *op       // list, fixed list; of a map, the tuple of an entry
	fields []fieldOp // record, tuple
	cases  []*op     // variant, enum, option, result: nil where there is no payload
	bare   []Value   // of the first cases: the Variant of one without payload
	mask   uint32    // flags: the bits that have a label

	// cost is roughly the host memory of a lifted value, but for the contents
	// of strings and lists, in bytes.
	cost uint64
}

// fieldOp is a field of a record or tuple, or a parameter.
type fieldOp struct {
	op     *op
	offset uint32
	flatAt int // flat values before it
}

// maxTypeDepth bounds the recursion of lifting and lowering.
const maxTypeDepth = 200

// maxBare bounds op.bare: a type may have many cases and many users.
const maxBare = 64

// Host memory of parts of a value, for op.cost.
const (
	costSlot   = 16      // of an interface
	costHeader = 24      // of a boxed slice, string or Variant
	maxCost    = 1 << 34 // so that sums and products with a length fit 64 bits
)

var (
	errNoParts = errors.New("a record or tuple must have at least one field")
	errNoCases = errors.New("a variant or enum must have at least one case")
	errFlags   = errors.New("flags must have 1 to 32 labels")
	errNoElems = errors.New("a list of fixed length must have at least one element")
	errDepth   = fmt.Errorf("the type is nested more than %d levels deep", maxTypeDepth)
	errSize    = fmt.Errorf("the type exceeds the maximum byte size of %d", MaxValueSize)
)

// compile makes the op of t.
func (cs *Codecs) compile(t *types.Type, depth int) (*op, error) {
	if o, ok := cs.ops[t]; ok {
		return o, nil
	}
	if depth > maxTypeDepth {
		return nil, errDepth
	}
	o := &op{kind: t.Kind, t: t, cost: costSlot}
	if err := cs.compileParts(o, depth); err != nil {
		return nil, err
	}
	l := cs.layouts.of(t)
	if l.size > MaxValueSize {
		return nil, errSize
	}
	o.size, o.align, o.flat = uint32(l.size), l.align, int(min(l.flat, 1<<30))
	o.cost = min(o.cost, maxCost)
	cs.ops[t] = o
	return o, nil
}

// compileParts fills in what depends on the kind of type.
//
//godwit:dispatch
func (cs *Codecs) compileParts(o *op, depth int) (err error) {
	t := o.t
	switch t.Kind {
	case types.Bool, types.S8, types.U8:
	case types.S16, types.U16, types.S32, types.U32, types.F32, types.Char,
		types.S64, types.U64, types.F64:
		o.cost += 8
	case types.String, types.ErrorContext, types.Stream, types.Future:
		o.cost += costHeader
	case types.Own, types.Borrow:
		o.cost += 2 * costHeader
	case types.Flags:
		if len(t.Labels) < 1 || len(t.Labels) > 32 {
			return errFlags
		}
		o.cost += 8
		o.mask = uint32(1<<len(t.Labels) - 1)
	case types.List:
		o.cost += costHeader
		o.elem, err = cs.compile(t.Elem, depth+1)
	case types.FixedList:
		if t.Len == 0 {
			return errNoElems
		}
		if o.elem, err = cs.compile(t.Elem, depth+1); err == nil {
			o.cost += costHeader + min(o.elem.cost, maxCost>>4)*uint64(t.Len)
		}
	case types.Map:
		o.cost += costHeader
		entry := &types.Type{Kind: types.Tuple, Fields: []types.Field{{Type: t.Key}, {Type: t.Elem}}}
		o.elem, err = cs.compile(entry, depth+1)
	case types.Record, types.Tuple:
		if len(t.Fields) == 0 {
			return errNoParts
		}
		for _, f := range t.Fields {
			if _, err = cs.compile(f.Type, depth+1); err != nil {
				return err
			}
		}
		var parts uint64
		o.fields, parts = cs.fields(t.Fields)
		o.cost += costHeader + parts
	case types.Variant, types.Enum, types.Option, types.Result:
		err = cs.compileVariant(o, depth)
	default:
		return fmt.Errorf("a type of unknown kind %d", t.Kind)
	}
	return err
}

// fields lays out fields whose types have been compiled.
func (cs *Codecs) fields(fields []types.Field) (ops []fieldOp, cost uint64) {
	ops = make([]fieldOp, len(fields))
	flat := 0
	for i, off := range cs.layouts.offsets(fields) {
		o := cs.ops[fields[i].Type]
		ops[i] = fieldOp{op: o, offset: off, flatAt: flat}
		flat = min(flat+o.flat, 1<<30)
		cost = min(cost+o.cost, maxCost)
	}
	return ops, cost
}

func (cs *Codecs) compileVariant(o *op, depth int) error {
	payloads := Payloads(o.t)
	if len(payloads) == 0 {
		return errNoCases
	}
	o.discriminant = DiscriminantSize(len(payloads))
	o.cases = make([]*op, len(payloads))
	o.bare = make([]Value, min(len(payloads), maxBare))
	largest := uint64(0)
	for i, p := range payloads {
		if p == nil {
			if i < len(o.bare) {
				o.bare[i] = Variant{Case: uint32(i)}
			}
			continue
		}
		c, err := cs.compile(p, depth+1)
		if err != nil {
			return err
		}
		o.cases[i] = c
		largest = max(largest, c.cost)
	}
	o.payload = cs.layouts.payload(payloads)
	o.cost += costHeader + largest
	return nil
}
