package core

import (
	"context"
	"reflect"

	"github.com/tetratelabs/wazero/api"
)

// A core instance can be reset: returned to the state that it had right after it
// was made. That state is a Snapshot, taken of the first instance of a module;
// instances made later must be in the same state, or they are not reset but
// thrown away. What a reset returns:
//
//   - memory, to an image that all instances share: the parts written since are
//     copied back. Linux says which pages these are;
//   - the size of the memory, if it has grown;
//   - mutable globals, and the stacks that calls ran on.
//
// What it does not return must not change: a module whose code writes tables or
// drops segments, or that has mutable globals which are not numbers, is never
// reset, nor is one whose start function called the host.

// Snapshot is the state of a core instance right after it was made.
type Snapshot struct {
	module  *Module
	image   *image // of its memory; nil when it has none
	globals []uint64
}

const (
	// maxCopyBack is how much is copied back; what is more is mapped anew.
	maxCopyBack = 1 << 20
	// maxHeapReset is the largest memory on the Go heap, of which it is not known
	// what was written, that is reset.
	maxHeapReset = 16 << 20
)

// useScan says whether the kernel is asked what was written, useFaults whether it is
// not asked again while there were no page faults. Tests set them.
var useScan, useFaults = true, true

// pristine is how an instance is reset.
type pristine struct {
	*Snapshot
	globals []api.MutableGlobal
	buffer  *[]byte // of wazero's memory
}

// Snapshot is the state of i, which no call has been made into, or nil when it
// cannot be reset.
func (i *Instance) Snapshot() *Snapshot {
	if !i.module.info.resettable || i.calledOut {
		return nil
	}
	s := &Snapshot{module: i.module}
	for _, g := range i.mutableGlobals() {
		s.globals = append(s.globals, g.Get())
	}
	if m := i.mem; m != nil {
		if m.region == nil && len(m.buf) > maxHeapReset {
			return nil
		}
		if s.image = m.snapshot(i.module.image); s.image == nil {
			return nil
		}
	}
	return s
}

// Follow makes i, which no call has been made into, able to be reset to a
// snapshot. It is false when that is not the state that i is in.
func (i *Instance) Follow(s *Snapshot) bool {
	if s.module != i.module || i.calledOut {
		return false
	}
	p := &pristine{Snapshot: s, globals: i.mutableGlobals()}
	for k, g := range p.globals {
		if g.Get() != s.globals[k] {
			return false
		}
	}
	if i.mem != nil {
		if !i.mem.equals(s.image) || !i.mem.follow(s.image) {
			return false
		}
		p.buffer = bufferOf(i.mod.Memory())
	}
	i.pristine = p
	return true
}

func (i *Instance) mutableGlobals() []api.MutableGlobal {
	out := make([]api.MutableGlobal, len(i.module.info.globals))
	for k, name := range i.module.info.globals {
		out[k] = i.mod.ExportedGlobal(name).(api.MutableGlobal)
	}
	return out
}

// Reset returns i to its snapshot. No call may be under way, and none may have
// trapped. When it is false, i is in no known state and must be closed.
func (i *Instance) Reset() bool {
	p := i.pristine
	if p == nil {
		return false
	}
	for k, g := range p.globals {
		g.Set(p.Snapshot.globals[k])
	}
	m := i.mem
	if m == nil {
		return true
	}
	grown := uint64(len(m.buf)) != p.image.size
	if grown && !i.module.rt.shrinks() {
		return false
	}
	if !m.restore(p.image) {
		return false
	}
	return !grown || m.shrink(i.mod.Memory(), p.buffer, p.image.size)
}

// restore returns the contents of the memory to an image.
func (m *linearMemory) restore(im *image) bool {
	left := uint64(maxCopyBack)
	if m.region == nil {
		left = maxHeapReset
	}
	enough := true
	m.touched(func(from, to uint64) bool {
		if enough = to-from <= left; !enough {
			return false
		}
		left -= to - from
		n := 0
		if from < uint64(len(im.data)) {
			n = copy(m.buf[from:to], im.data[from:])
		}
		clear(m.buf[from+uint64(n) : to])
		return true
	})
	if enough {
		return true
	}
	if m.region == nil || m.region.forget() != nil {
		return false
	}
	if im.file == nil {
		copy(m.buf, im.data)
	}
	return true
}

// shrink undoes growth. wazero has no way to: its buffer is cut to one page less
// than it shall have and then grown by a page, so that wazero tells compiled
// code. Runtime.shrinks says whether that works.
func (m *linearMemory) shrink(mem api.Memory, buffer *[]byte, size uint64) bool {
	if buffer == nil || size < wasmPage || uint64(len(*buffer)) < size {
		return false
	}
	m.budget.give(m.charged - int64(size))
	m.charged = int64(size)
	*buffer = (*buffer)[: size-wasmPage : size-wasmPage]
	_, ok := mem.Grow(1)
	return ok && uint64(mem.Size()) == size
}

// bufferOf finds the buffer in wazero's memory, or nil.
func bufferOf(mem api.Memory) *[]byte {
	v := reflect.ValueOf(mem)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	f := v.Elem().FieldByName("Buffer")
	if !f.IsValid() || !f.CanAddr() || !f.CanInterface() {
		return nil
	}
	b, _ := f.Addr().Interface().(*[]byte)
	return b
}

// growing is a module to try shrink with:
//
//	(module (memory (export "m") 1)
//	  (func (export "f") (param i32) (result i32)
//	    (drop (memory.grow (local.get 0)))
//	    (i32.load8_u (i32.const 65536))))
const growing = "\x00asm\x01\x00\x00\x00" + "\x01\x06\x01\x60\x01\x7f\x01\x7f" + "\x03\x02\x01\x00" +
	"\x05\x03\x01\x00\x01" + "\x07\x09\x02\x01m\x02\x00\x01f\x00\x00" +
	"\x0a\x10\x01\x0e\x00\x20\x00\x40\x00\x1a\x41\x80\x80\x04\x2d\x00\x00\x0b"

// importing is the same, but imports the memory.
const importing = "\x00asm\x01\x00\x00\x00" + "\x01\x06\x01\x60\x01\x7f\x01\x7f" + "\x02\x08\x01\x01m\x01m\x02\x00\x01" +
	"\x03\x02\x01\x00" + "\x07\x05\x01\x01f\x00\x00" +
	"\x0a\x10\x01\x0e\x00\x20\x00\x40\x00\x1a\x41\x80\x80\x04\x2d\x00\x00\x0b"

// proveShrink tries whether growth can be undone with this wazero: an access to
// what was there must trap afterwards, also from a module that imports the memory.
func (r *Runtime) proveShrink(k Kind) bool {
	ctx := context.Background()
	budget, meter := newBudget(0), NewMeter(0)
	var all []*Instance
	for _, s := range []ModuleSpec{{Bytes: []byte(growing)}, {Bytes: []byte(importing), Imports: []Ref{{Name: "m"}}}} {
		s.Name, s.Engine = "self-test", k
		m, err := r.CompileModule(ctx, s)
		if err != nil {
			return false
		}
		defer m.Close(ctx)
		i, err := m.Instantiate(ctx, &Host{}, all, InstanceConfig{Budget: budget, Meter: meter})
		if err != nil {
			return false
		}
		defer i.Close(ctx)
		all = append(all, i)
	}
	owner := all[0]
	call := func(i *Instance, grow uint64) error { return i.Func("f").Call(ctx, []uint64{grow}) }
	for _, i := range all {
		if call(owner, 0) == nil || call(all[1], 0) == nil {
			return false
		}
		if call(i, 2) != nil || len(owner.mem.buf) != 3*wasmPage {
			return false
		}
		mem := owner.mod.Memory()
		if !owner.mem.shrink(mem, bufferOf(mem), wasmPage) || len(owner.mem.buf) != wasmPage {
			return false
		}
	}
	return call(owner, 0) != nil && call(all[1], 0) != nil
}

// Reset makes f ready for a call that must not find anything of those before. It
// is part of resetting its instance.
func (f *Func) Reset() {
	if f.fn == nil {
		return
	}
	if !f.call.stack.IsValid() || f.call.stack.Len() > maxIdleStack {
		f.fn, f.call.stack = nil, reflect.Value{}
		return
	}
	clear(f.call.stack.Bytes())
}
