// Package engine is what an embedder sees of the Component Model: compile a
// component once, link it with what the host provides, instantiate it as often
// as needed, call its exports.
//
//	Engine     compiles; one per process
//	Component  a compiled component, immutable, safe for concurrent use
//	Linker     what the host provides, by import name
//	Linked     a component with every import resolved and type-checked
//	Instance   a running instance of a Linked; one call at a time
//	Pool       instances that are used again, each time as if new
//	Func       an export of a Linked, called on an Instance
//
// It owns flattening (nested components become one list of initializers, and
// calls through the tables of shims direct), linking and instantiation.
// It must not import wazero, net/http, host or bindings.
//
// Reading the source: plan.go (what flattening makes), flatten.go (how),
// direct.go, then linker.go, lower.go, instance.go and export.go in the order of a
// component's life.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/godwit-runtime/godwit/engine/component"
	"github.com/godwit-runtime/godwit/engine/core"
)

// Kind selects how core code runs.
type Kind = core.Kind

// How core code runs. Auto takes the compiler where there is one.
const (
	Auto        = core.Auto
	Compiler    = core.Compiler
	Interpreter = core.Interpreter
)

// Config configures an Engine. The zero value is good.
type Config struct {
	// Kind selects compiler or interpreter.
	Kind Kind
	// CacheDir keeps compiled code between processes; "" keeps none. See
	// DefaultCacheDir. A directory that others can write is not used: Log says so.
	CacheDir string
	// CacheSize bounds what is in CacheDir, in bytes; 0 means core.DefaultCacheSize.
	CacheSize int64
	// Log gets a line when the cache, or something in it, cannot be used; nil means
	// slog.Default().
	Log *slog.Logger
	// Workers is how many goroutines compile one core module; 0 means GOMAXPROCS.
	Workers int
	// MemoryLimit bounds the memories and tables of all instances together, in
	// bytes; 0 is no bound. See also InstanceConfig.MemoryLimit.
	MemoryLimit uint64
}

// DefaultCacheDir is the directory for compiled code in the user's cache directory.
func DefaultCacheDir() (string, error) { return core.DefaultCacheDir() }

// Engine compiles components. It is safe for concurrent use.
type Engine struct {
	kind Kind // as configured
	rt   *core.Runtime
}

// New makes an Engine. Close releases the compiled code of all its components.
func New(ctx context.Context, c Config) (*Engine, error) {
	rt, err := core.NewRuntime(ctx, core.Config{
		Engine: c.Kind, CacheDir: c.CacheDir, CacheSize: c.CacheSize, Log: c.Log, Workers: c.Workers, MemoryLimit: c.MemoryLimit,
	})
	if err != nil {
		return nil, err
	}
	return &Engine{kind: c.Kind, rt: rt}, nil
}

// Kind says how this engine runs core code: Compiler or Interpreter. A
// component may need the interpreter all the same; see Component.Kind.
func (e *Engine) Kind() Kind { return e.rt.Engine() }

// Close releases everything that was compiled. No instance may be in use.
func (e *Engine) Close(ctx context.Context) error { return e.rt.Close(ctx) }

// Component is a compiled component. It is immutable and safe for concurrent use.
type Component struct {
	engine *Engine
	kind   Kind // Compiler or Interpreter
	desc   *component.Component
	plan   *plan
	cores  []*core.Module // by ordinal of plan.cores; equal ones are shared
	// unlinkable are the imports that no host can provide. With one of them there
	// is nothing in plan but imports, since what would be instantiated is not known.
	unlinkable []*ImportError
	compiles   int // how many bytes of core modules may yet be compiled
}

// Compile decodes, validates, flattens and compiles a component. It does not keep b.
// Errors are *component.Error with the offset in b, or say which core module
// cannot be compiled and why.
func (e *Engine) Compile(ctx context.Context, b []byte) (*Component, error) {
	desc, err := component.Decode(b)
	if err != nil {
		return nil, err
	}
	c := &Component{engine: e, kind: e.rt.Engine(), desc: desc}
	if c.plan, c.unlinkable, err = flatten(desc); err != nil {
		return nil, err
	}
	c.plan.bindDirectly()
	c.compiles = maxRecompiled + len(b)
	err = c.compileCores(ctx)
	if errors.Is(err, core.ErrNeedsInterpreter) && e.kind == Auto {
		// Core modules of one component share memories and tables, so they run
		// on the same engine.
		_ = c.Close(ctx)
		c.kind, c.cores, c.compiles = Interpreter, nil, maxRecompiled+len(b)
		err = c.compileCores(ctx)
	}
	if err == nil {
		err = c.validateOthers(ctx, desc)
	}
	if err != nil {
		_ = c.Close(ctx)
		return nil, err
	}
	forgetBytes(desc)
	return c, nil
}

// forgetBytes lets the file go that d was decoded from: all that is still of use
// of its core modules is their types.
func forgetBytes(d *component.Component) {
	for _, def := range d.Defs {
		switch def := def.(type) {
		case *component.Nested:
			forgetBytes(def.Component)
		case *component.CoreModule:
			def.Bytes = nil
		}
	}
}

// maxRecompiled bounds what is compiled, in bytes, beyond the size of the component.
const maxRecompiled = 64 << 20

// compileCores compiles each core module once for each way that it is wired.
func (c *Component) compileCores(ctx context.Context) error {
	byModule := map[*component.CoreModule][]int{}
next:
	for k, ci := range c.plan.cores {
		for _, other := range byModule[ci.module] {
			if equalRefs(c.plan.cores[other].imports, ci.imports) {
				c.cores = append(c.cores, c.cores[other])
				continue next
			}
		}
		if c.compiles -= len(ci.module.Bytes); c.compiles < 0 {
			return fmt.Errorf("the component instantiates its core modules in too many ways: each is compiled again, %d MiB at most", maxRecompiled>>20)
		}
		m, err := c.engine.rt.CompileModule(ctx, core.ModuleSpec{
			Name:    fmt.Sprintf("core module[%d]", k),
			Bytes:   ci.module.Bytes,
			Offset:  ci.module.Offset,
			Imports: ci.imports,
			Engine:  c.kind,
		})
		if err != nil {
			return err
		}
		byModule[ci.module] = append(byModule[ci.module], k)
		c.cores = append(c.cores, m)
	}
	return nil
}

// validateOthers validates the core modules in d that are not instantiated, and
// so were not compiled.
func (c *Component) validateOthers(ctx context.Context, d *component.Component) error {
	compiled := map[*component.CoreModule]bool{}
	for k := range c.plan.cores {
		compiled[c.plan.cores[k].module] = true
	}
	n := 0
	var walk func(d *component.Component) error
	walk = func(d *component.Component) error {
		for _, def := range d.Defs {
			var err error
			switch def := def.(type) {
			case *component.Nested:
				err = walk(def.Component)
			case *component.CoreModule:
				if compiled[def] {
					continue
				}
				spec := core.ModuleSpec{Name: fmt.Sprintf("unused core module[%d]", n), Bytes: def.Bytes, Offset: def.Offset}
				err = c.engine.rt.Validate(ctx, spec, len(def.Type.Imports))
				n++
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return walk(d)
}

func equalRefs(a, b []core.Ref) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Kind says how the component's core code runs: Compiler or Interpreter.
func (c *Component) Kind() Kind { return c.kind }

// Description is the decoded component.
func (c *Component) Description() *component.Component { return c.desc }

// Close releases the compiled code. No Linked of the component may be in use.
func (c *Component) Close(ctx context.Context) error {
	var first error
	seen := map[*core.Module]bool{}
	for _, m := range c.cores {
		if seen[m] {
			continue
		}
		seen[m] = true
		if err := m.Close(ctx); err != nil && first == nil {
			first = err
		}
	}
	return first
}
