package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/core"
	"github.com/godwit-runtime/godwit/engine/types"
)

// Linker holds what a host provides. Fill it before use; Link is then safe for
// concurrent use.
type Linker struct {
	engine *Engine
	// Hint returns what would grant a missing import, such as "pass --dir"; it
	// may be nil, and return "".
	Hint   func(importName string) string
	ifaces map[string]*HostInterface // by version line
}

// NewLinker returns a Linker without definitions.
func (e *Engine) NewLinker() *Linker {
	return &Linker{engine: e, ifaces: map[string]*HostInterface{}}
}

// Define adds what the host provides under hi.Name. It serves imports of every
// version on the same line (0.2.x for any x); a prerelease is matched exactly.
// To define one line twice is an error.
func (l *Linker) Define(hi *HostInterface) error {
	line := versionLine(hi.Name)
	if old, ok := l.ifaces[line]; ok {
		return fmt.Errorf("%s is defined twice (as %s before)", hi.Name, old.Name)
	}
	l.ifaces[line] = hi
	return nil
}

// Provides returns what serves an import, or nil.
func (l *Linker) Provides(importName string) *HostInterface { return l.ifaces[versionLine(importName)] }

// ImportError is an import that the host does not provide or provides with
// another type. Link returns all of them joined.
type ImportError struct {
	Import string // wasi:filesystem/types@0.2.6
	Name   string // of the function or resource in it, "" for the whole import
	Want   string // the type that the component imports, when the host has another
	Have   string
	Hint   string
}

func (e *ImportError) Error() string {
	var b strings.Builder
	b.WriteString("import ")
	b.WriteString(e.Import)
	if e.Name != "" {
		fmt.Fprintf(&b, ": %s", e.Name)
	}
	switch {
	case e.Want != "":
		fmt.Fprintf(&b, " has another type here: the component wants %s, the host has %s", e.Want, e.Have)
	case e.Name != "" && e.Import != e.Name:
		b.WriteString(" is not provided by this host")
	default:
		b.WriteString(" is not granted")
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Linked is a component whose imports are resolved. It is immutable and safe
// for concurrent use.
type Linked struct {
	component *Component
	subst     types.Subst
	drops     map[*types.Resource]func(ctx context.Context, object any)
	host      *core.Host
	hostFuncs []core.HostFunc
	fills     []fill // by ordinal of plan.cores
	users     users
	interned  types.Interner
	elems     map[*types.Type]*abi.Elem // of streams and futures; written by Link alone
}

// users are, for each slot of a plan, the options that it is in.
type users struct{ memory, realloc, postReturn, callback [][]int }

// fill is what the slots of a plan get from one core instance.
type fill struct {
	funcs    []int // slots in plan.funcs
	memories []int // slots in plan.memories
	tables   []int // slots in plan.tables
}

// Link resolves and type-checks every import of c. The error joins an
// *ImportError for each that fails.
func (l *Linker) Link(ctx context.Context, c *Component) (*Linked, error) {
	ln := &Linked{
		component: c,
		subst:     types.Subst{},
		drops:     map[*types.Resource]func(ctx context.Context, object any){},
		elems:     map[*types.Type]*abi.Elem{},
	}
	errs := append([]*ImportError(nil), c.unlinkable...)
	errs = append(errs, l.linkResources(ln)...)
	targets := make([]*HostFunc, len(c.plan.imports))
	for k := range c.plan.imports {
		t, err := l.linkFunc(ln, &c.plan.imports[k])
		if err != nil {
			errs = append(errs, err)
		}
		targets[k] = t
	}
	if err := joinImportErrors(errs); err != nil {
		return nil, err
	}
	var codecs abi.Codecs
	for k := range c.plan.hosts {
		hf, err := ln.hostFunc(&c.plan.hosts[k], targets, &codecs)
		if err != nil {
			return nil, err
		}
		ln.hostFuncs = append(ln.hostFuncs, hf)
	}
	host, err := c.engine.rt.CompileHost(ctx, c.kind, ln.hostFuncs)
	if err != nil {
		return nil, err
	}
	ln.host = host
	ln.planFills()
	return ln, nil
}

// joinImportErrors joins errors, leaving out repetitions: an interface that is
// missing is reported once, not once for each of its functions.
func joinImportErrors(errs []*ImportError) error {
	seen := map[string]bool{}
	var all []error
	for _, e := range errs {
		if s := e.Error(); !seen[s] {
			seen[s] = true
			all = append(all, e)
		}
	}
	return errors.Join(all...)
}

func (l *Linker) linkResources(ln *Linked) (errs []*ImportError) {
	for _, r := range ln.component.plan.imported {
		hi, err := l.iface(r.iface, r.name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found := false
		for k := range hi.Resources {
			if hr := &hi.Resources[k]; hr.Name == r.name {
				ln.subst[r.rt] = hr.Type
				ln.drops[hr.Type] = hr.Drop
				found = true
			}
		}
		if !found {
			errs = append(errs, &ImportError{Import: r.iface, Name: "resource " + r.name})
		}
	}
	return errs
}

func (l *Linker) linkFunc(ln *Linked, im *importedFunc) (*HostFunc, *ImportError) {
	hi, err := l.iface(im.iface, im.name)
	if err != nil {
		return nil, err
	}
	for k := range hi.Funcs {
		hf := &hi.Funcs[k]
		if hf.Name != im.name {
			continue
		}
		if want := ln.subst.Func(im.ft); hf.Type != nil && !want.Equal(hf.Type) {
			return nil, &ImportError{Import: importName(im.iface, im.name), Name: im.name, Want: want.String(), Have: hf.Type.String()}
		}
		return hf, nil
	}
	return nil, &ImportError{Import: importName(im.iface, im.name), Name: im.name}
}

// iface finds what serves an interface, or the function name at the root.
func (l *Linker) iface(iface, name string) (*HostInterface, *ImportError) {
	if hi := l.ifaces[versionLine(iface)]; hi != nil {
		return hi, nil
	}
	e := &ImportError{Import: importName(iface, name)}
	if l.Hint != nil {
		e.Hint = l.Hint(e.Import)
	}
	return nil, e
}

func importName(iface, name string) string {
	if iface == "" {
		return name
	}
	return iface
}

// planFills works out which slots each core instance fills, and what they are
// used for.
func (ln *Linked) planFills() {
	p := ln.component.plan
	ln.fills = make([]fill, len(p.cores))
	for k, r := range p.funcs {
		if r.Instance >= 0 {
			ln.fills[r.Instance].funcs = append(ln.fills[r.Instance].funcs, k)
		}
	}
	for k, r := range p.memories {
		ln.fills[r.Instance].memories = append(ln.fills[r.Instance].memories, k)
	}
	for k, r := range p.tables {
		ln.fills[r.Instance].tables = append(ln.fills[r.Instance].tables, k)
	}
	ln.users = users{
		memory:     make([][]int, len(p.memories)),
		realloc:    make([][]int, len(p.funcs)),
		postReturn: make([][]int, len(p.funcs)),
		callback:   make([][]int, len(p.funcs)),
	}
	for k := range p.options {
		o := &p.options[k]
		for _, u := range []struct {
			of   [][]int
			slot int
		}{{ln.users.memory, o.memory}, {ln.users.realloc, o.realloc}, {ln.users.postReturn, o.postReturn}, {ln.users.callback, o.callback}} {
			if u.slot != none {
				u.of[u.slot] = append(u.of[u.slot], k)
			}
		}
	}
}

// Component returns the component that was linked.
func (ln *Linked) Component() *Component { return ln.component }

// Close releases what linking made. No instance may be in use.
func (ln *Linked) Close(ctx context.Context) error { return ln.host.Close(ctx) }
