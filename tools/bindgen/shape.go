package bindgen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
	"github.com/godwit-runtime/godwit/wit"
)

// shape is a WIT type as the canonical ABI sees it, without aliases, together
// with its Go type. Equal types of one package share a shape.
type shape struct {
	kind   types.Kind
	name   string      // unique, for names of functions: "OptionString"
	goType string      // "abi.Option[string]"
	wire   *types.Type // for layout; resources in it are placeholders

	elem    *shape // of a map, the tuple of an entry
	ok, err *shape // may be nil
	len     uint32
	fields  []*shape // record, tuple; by case (nil without payload) of a variant
	parts   []string // Go field names of those
	named   *named   // record, variant, enum, flags, own, borrow

	size, align  uint32
	flat         int    // number of flat values
	discriminant uint32 // size of a variant's, option's or result's discriminant
	payloadAt    uint32 // offset of its payload
	allocates    bool   // lowering may call realloc
	guest        bool   // a handle of a guest's resource may be inside
}

// offset is the offset of field i, or of the payload.
func (s *shape) offset(i int) uint32 {
	if i == payload {
		return s.payloadAt
	}
	var off uint32
	for j, f := range s.fields {
		off = alignTo(off, f.align)
		if j == i {
			break
		}
		off += f.size
	}
	return off
}

// flatOffset is the number of flat values before field i, or the payload.
func (s *shape) flatOffset(i int) int {
	if i == payload {
		return 1
	}
	n := 0
	for _, f := range s.fields[:i] {
		n += f.flat
	}
	return n
}

// hasPayload reports whether any case of a variant has one.
func (s *shape) hasPayload() bool {
	for _, p := range s.fields {
		if p != nil {
			return true
		}
	}
	return false
}

// cases are the payloads of a variant, option or result by case, nil without one.
func (s *shape) cases() []*shape {
	switch s.kind {
	case types.Variant:
		return s.fields
	case types.Option:
		return []*shape{nil, s.elem}
	case types.Result:
		return []*shape{s.ok, s.err}
	}
	return nil
}

var primitiveKinds = map[wit.Kind]*types.Type{
	wit.KindBool: types.TypeBool, wit.KindS8: types.TypeS8, wit.KindU8: types.TypeU8,
	wit.KindS16: types.TypeS16, wit.KindU16: types.TypeU16, wit.KindS32: types.TypeS32,
	wit.KindU32: types.TypeU32, wit.KindS64: types.TypeS64, wit.KindU64: types.TypeU64,
	wit.KindF32: types.TypeF32, wit.KindF64: types.TypeF64, wit.KindChar: types.TypeChar,
	wit.KindString: types.TypeString,
}

// shape returns the shape of t as unit u means it.
func (g *generator) shape(u *unit, t *wit.Type) (*shape, error) {
	s, err := g.buildShape(u, t)
	if err != nil {
		return nil, err
	}
	key := s.name + " " + s.goType
	if have, ok := g.shapes[key]; ok {
		return have, nil
	}
	s.name = g.shapeNames.pick(s.name)
	s.size, s.align = abi.Size(s.wire), abi.Align(s.wire)
	s.flat = abi.FlatCount(s.wire)
	s.inherit()
	g.shapes[key] = s
	return s, nil
}

// inherit works out what follows from the parts of a shape.
func (s *shape) inherit() {
	switch s.kind {
	case types.String, types.List, types.Map:
		s.allocates = true
	case types.Own, types.Borrow:
		s.guest = s.named.guest()
	}
	for _, p := range append([]*shape{s.elem, s.ok, s.err}, s.fields...) {
		if p != nil {
			s.allocates = s.allocates || p.allocates
			s.guest = s.guest || p.guest
		}
	}
	if cases := s.cases(); cases != nil {
		s.discriminant = uint32(caseBits(len(cases)) / 8)
		align := uint32(1)
		for _, p := range cases {
			if p != nil {
				align = max(align, p.align)
			}
		}
		s.payloadAt = alignTo(s.discriminant, align)
	}
}

func (g *generator) buildShape(u *unit, t *wit.Type) (*shape, error) {
	if wire, ok := primitiveKinds[t.Kind]; ok {
		return &shape{kind: wire.Kind, name: titleWord(wireKindName(wire.Kind)), goType: goPrimitives[t.Kind], wire: wire}, nil
	}
	switch t.Kind {
	case wit.KindAlias:
		if t.Elem != nil {
			return g.buildShape(u, t.Elem)
		}
		return g.handleShape(u, t.Def, types.Own)
	case wit.KindOwn:
		return g.handleShape(u, t.Def, types.Own)
	case wit.KindBorrow:
		return g.handleShape(u, t.Def, types.Borrow)
	case wit.KindRef:
		def := origin(t.Def)
		if !canBeError(def) {
			return g.buildShape(u, def.Type)
		}
		return g.namedShape(u, def)
	case wit.KindList, wit.KindFixedList, wit.KindOption, wit.KindMap:
		return g.elemShape(u, t)
	case wit.KindResult:
		return g.resultShape(u, t)
	case wit.KindTuple:
		return g.tupleShape(u, t)
	}
	_, err := g.goType(u, t)
	if err == nil {
		err = fmt.Errorf("WIT kind %d has no shape", t.Kind)
	}
	return nil, err
}

func wireKindName(k types.Kind) string {
	return map[types.Kind]string{
		types.Bool: "bool", types.S8: "s8", types.U8: "u8", types.S16: "s16",
		types.U16: "u16", types.S32: "s32", types.U32: "u32", types.S64: "s64",
		types.U64: "u64", types.F32: "f32", types.F64: "f64", types.Char: "char",
		types.String: "string",
	}[k]
}

// localName is n's name for use inside of other names: foreign ones carry their package.
func (g *generator) localName(n *named) string {
	if n.unit.plan == g.out {
		return n.goName
	}
	return titleWord(g.packageName(n.unit.plan.target)) + n.goName
}

func (g *generator) handleShape(u *unit, def *wit.TypeDef, kind types.Kind) (*shape, error) {
	n, err := g.lookup(u, origin(def))
	if err != nil {
		return nil, err
	}
	s := &shape{kind: kind, named: n, goType: g.qualify(n, n.goName)}
	s.name = "Own" + g.localName(n)
	if kind == types.Borrow {
		s.name = "Borrow" + g.localName(n)
	}
	if n.guest() {
		s.goType = "*" + s.goType
	}
	s.wire = &types.Type{Kind: kind, Resource: &types.Resource{Name: n.wirePath()}}
	return s, nil
}

func (g *generator) namedShape(u *unit, def *wit.TypeDef) (*shape, error) {
	n, err := g.lookup(u, def)
	if err != nil {
		return nil, err
	}
	s := &shape{named: n, name: g.localName(n), goType: g.qualify(n, n.goName), parts: n.fields, wire: &types.Type{}}
	t := def.Type
	// The parts are resolved where the type is declared: a unit that uses the
	// type need not use theirs.
	in := n.unit
	switch t.Kind {
	case wit.KindRecord:
		s.kind = types.Record
		for _, f := range t.Fields {
			p, err := g.shape(in, f.Type)
			if err != nil {
				return nil, err
			}
			s.fields = append(s.fields, p)
			s.wire.Fields = append(s.wire.Fields, types.Field{Name: f.Name, Type: p.wire})
		}
	case wit.KindVariant:
		s.kind = types.Variant
		for _, c := range t.Cases {
			var p *shape
			wire := types.Case{Name: c.Name}
			if c.Type != nil {
				if p, err = g.shape(in, c.Type); err != nil {
					return nil, err
				}
				wire.Type = p.wire
			}
			s.fields = append(s.fields, p)
			s.wire.Cases = append(s.wire.Cases, wire)
		}
	default:
		s.kind = types.Enum
		if t.Kind == wit.KindFlags {
			s.kind = types.Flags
		}
		for _, c := range t.Cases {
			s.wire.Labels = append(s.wire.Labels, c.Name)
		}
	}
	s.wire.Kind = s.kind
	return s, nil
}

func (g *generator) elemShape(u *unit, t *wit.Type) (*shape, error) {
	if t.Kind == wit.KindMap {
		return g.mapShape(u, t)
	}
	e, err := g.shape(u, t.Elem)
	if err != nil {
		return nil, err
	}
	s := &shape{elem: e}
	switch t.Kind {
	case wit.KindList:
		s.kind, s.name, s.goType = types.List, "List"+e.name, "[]"+e.goType
		if e.kind == types.U8 {
			s.name, s.goType = "Bytes", "[]byte"
		}
	case wit.KindFixedList:
		n := strconv.FormatUint(uint64(t.Len), 10)
		s.kind, s.len, s.name, s.goType = types.FixedList, t.Len, "List"+n+e.name, "["+n+"]"+e.goType
	case wit.KindOption:
		s.kind, s.name, s.goType = types.Option, "Option"+e.name, "abi.Option["+e.goType+"]"
	}
	s.wire = &types.Type{Kind: s.kind, Elem: e.wire, Len: s.len}
	return s, nil
}

// mapShape is a list of entries in Go too: a Go map would lose their order.
func (g *generator) mapShape(u *unit, t *wit.Type) (*shape, error) {
	entry := &wit.Type{Kind: wit.KindTuple, Fields: []wit.Field{{Type: t.Key}, {Type: t.Elem}}}
	e, err := g.shape(u, entry)
	if err != nil {
		return nil, err
	}
	wire := &types.Type{Kind: types.Map, Key: e.fields[0].wire, Elem: e.fields[1].wire}
	return &shape{kind: types.Map, elem: e, name: "Map" + e.name, goType: "[]" + e.goType, wire: wire}, nil
}

func (g *generator) resultShape(u *unit, t *wit.Type) (*shape, error) {
	s := &shape{kind: types.Result, name: "Result", wire: &types.Type{Kind: types.Result}}
	names := [2]string{"abi.Unit", "abi.Unit"}
	for i, part := range []*wit.Type{t.OK, t.Err} {
		if part == nil {
			s.name += "Unit"
			continue
		}
		p, err := g.shape(u, part)
		if err != nil {
			return nil, err
		}
		s.name += p.name
		names[i] = p.goType
		if i == 0 {
			s.ok, s.wire.OK = p, p.wire
		} else {
			s.err, s.wire.Err = p, p.wire
		}
	}
	s.goType = "abi.Result[" + names[0] + ", " + names[1] + "]"
	return s, nil
}

func (g *generator) tupleShape(u *unit, t *wit.Type) (*shape, error) {
	if _, err := g.goType(u, t); err != nil {
		return nil, err
	}
	s := &shape{kind: types.Tuple, name: "Tuple", wire: &types.Type{Kind: types.Tuple}}
	var names []string
	for i, f := range t.Fields {
		p, err := g.shape(u, f.Type)
		if err != nil {
			return nil, err
		}
		s.name += p.name
		names = append(names, p.goType)
		s.fields = append(s.fields, p)
		s.parts = append(s.parts, "F"+strconv.Itoa(i))
		s.wire.Fields = append(s.wire.Fields, types.Field{Type: p.wire})
	}
	s.goType = "abi.Tuple" + strconv.Itoa(len(names)) + "[" + strings.Join(names, ", ") + "]"
	return s, nil
}

// alignTo rounds p up to a multiple of a.
func alignTo(p, a uint32) uint32 { return (p + a - 1) / a * a }
