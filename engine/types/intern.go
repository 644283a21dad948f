package types

import (
	"strconv"
	"sync"
)

// Interner makes equal types the same: of those that it is given it returns one
// for all that are equal, so that a comparison of pointers tells. A type takes it
// as long as it has parts, shared ones counted once; Equal would count them each
// time. The zero value is ready; it is safe for concurrent use.
type Interner struct {
	mu        sync.Mutex
	known     map[*Type]*Type
	byKey     map[string]*Type
	ids       map[*Type]int
	resources map[*Resource]int
}

// Type returns the type that stands for t, which may be nil.
func (n *Interner) Type(t *Type) *Type {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.value(t)
}

// Func returns f with the types that stand for its own.
func (n *Interner) Func(f *Func) *Func {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := *f
	out.Params = n.fields(f.Params)
	out.Result = n.value(f.Result)
	return &out
}

func (n *Interner) value(t *Type) *Type {
	if t == nil {
		return nil
	}
	if u := n.known[t]; u != nil {
		return u
	}
	if n.known == nil {
		n.known, n.byKey = map[*Type]*Type{}, map[string]*Type{}
		n.ids, n.resources = map[*Type]int{}, map[*Resource]int{}
	}
	u := *t
	u.Elem, u.Key, u.OK, u.Err = n.value(t.Elem), n.value(t.Key), n.value(t.OK), n.value(t.Err)
	u.Fields = n.fields(t.Fields)
	if len(t.Cases) > 0 {
		u.Cases = make([]Case, len(t.Cases))
		for k, c := range t.Cases {
			u.Cases[k] = Case{Name: c.Name, Type: n.value(c.Type)}
		}
	}
	key := n.key(&u)
	v := n.byKey[key]
	if v == nil {
		v = &u
		n.byKey[key] = v
		n.known[v] = v
		n.ids[v] = len(n.ids) + 1
	}
	n.known[t] = v
	return v
}

func (n *Interner) fields(fields []Field) []Field {
	if len(fields) == 0 {
		return nil
	}
	out := make([]Field, len(fields))
	for k, f := range fields {
		out[k] = Field{Name: f.Name, Type: n.value(f.Type)}
	}
	return out
}

// key spells a type out, its parts by their numbers.
func (n *Interner) key(t *Type) string {
	b := strconv.AppendUint(nil, uint64(t.Kind), 10)
	number := func(i int) { b = strconv.AppendInt(append(b, ' '), int64(i), 10) }
	name := func(s string) {
		number(len(s))
		b = append(append(b, ':'), s...)
	}
	number(int(t.Len))
	for _, part := range []*Type{t.Elem, t.Key, t.OK, t.Err} {
		number(n.ids[part])
	}
	if t.Resource != nil && n.resources[t.Resource] == 0 {
		n.resources[t.Resource] = len(n.resources) + 1
	}
	number(n.resources[t.Resource])
	number(len(t.Fields))
	for _, f := range t.Fields {
		name(f.Name)
		number(n.ids[f.Type])
	}
	number(len(t.Cases))
	for _, c := range t.Cases {
		name(c.Name)
		number(n.ids[c.Type])
	}
	for _, l := range t.Labels {
		name(l)
	}
	return string(b)
}
