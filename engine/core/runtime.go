// Package core runs core WebAssembly modules on wazero, which no other package
// imports. It owns the choice between compiler and interpreter, the rewriting
// of modules before they are compiled (rewrite.go), the sharing of compiled code
// and its cache on disk (cache.go), instantiation with imports resolved by
// ordinal, the bound on memory, and the translation of what wazero reports into a
// Trap.
//
// A core instance is known by its ordinal in the component; a Ref names an
// export of one, or a host function. Modules are rewritten so that their
// imports say just that, and a resolver hands wazero the instances: nothing is
// looked up by a name that the guest chose.
//
// It may import engine/types and nothing else of this module.
package core

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// Kind selects how core code runs.
type Kind uint8

// How core code runs.
const (
	// Auto compiles where wazero can, and interprets elsewhere and what its
	// compiler gets wrong (exceptions).
	Auto Kind = iota
	Compiler
	Interpreter
)

func (k Kind) String() string {
	switch k {
	case Compiler:
		return "compiler"
	case Interpreter:
		return "interpreter"
	}
	return "auto"
}

// Config configures a Runtime.
type Config struct {
	Engine Kind
	// CacheDir keeps compiled code between processes; "" keeps none. A directory
	// that cannot be trusted or used is not: see Log.
	CacheDir string
	// CacheSize bounds what is in CacheDir, in bytes; 0 means DefaultCacheSize.
	CacheSize int64
	// Log gets a line for what of the cache cannot be used; nil means slog.Default().
	Log *slog.Logger
	// Workers is how many goroutines compile one module; 0 means GOMAXPROCS.
	Workers int
	// MemoryLimit bounds the memories and tables of all instances together, in
	// bytes; 0 is no bound.
	MemoryLimit uint64
}

// DefaultCacheDir is the directory for compiled code in the user's cache directory.
func DefaultCacheDir() (string, error) {
	d, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no directory for the compile cache: %w; name one or switch the cache off", err)
	}
	return filepath.Join(d, "godwit"), nil
}

// Runtime compiles and instantiates core modules. It is safe for concurrent use.
type Runtime struct {
	kind    Kind // as configured
	workers int
	budget  *Budget    // of all instances; nil: no bound
	store   *codeStore // nil without one

	mu    sync.Mutex
	loops [Interpreter + 1]loop // by kind; made when first used
	codes map[codeKey]*code     // in use, or being compiled
}

// loop is one way to run core code.
type loop struct {
	wazero.Runtime
	fuel    api.Module  // where code gets fuel
	shrinks func() bool // whether growth of a memory can be undone
}

// maxPages is the most that a memory may have: with the 65536th page, its size
// in bytes overflows the 32 bits that wazero keeps it in.
const maxPages = 65535

// hasCompiler says whether wazero compiles for this platform.
func hasCompiler() bool {
	switch runtime.GOARCH {
	case "amd64", "arm64":
	default:
		return false
	}
	switch runtime.GOOS {
	case "linux", "darwin", "freebsd", "netbsd", "dragonfly", "windows", "solaris", "illumos":
		return true
	}
	return false
}

// NewRuntime makes a Runtime. To force the compiler where there is none is an
// error. Close releases all that was compiled.
func NewRuntime(_ context.Context, c Config) (*Runtime, error) {
	if c.Engine == Compiler && !hasCompiler() {
		return nil, fmt.Errorf("there is no compiler for %s/%s: use the interpreter", runtime.GOOS, runtime.GOARCH)
	}
	r := &Runtime{kind: c.Engine, workers: c.Workers, codes: map[codeKey]*code{}}
	if r.workers <= 0 {
		r.workers = runtime.GOMAXPROCS(0)
	}
	if c.MemoryLimit > 0 {
		r.budget = newBudget(c.MemoryLimit)
		r.budget.all = r.budget
	}
	if c.CacheDir != "" {
		log := c.Log
		if log == nil {
			log = slog.Default()
		}
		store, err := openStore(c.CacheDir, c.CacheSize, log)
		if err != nil {
			log.Warn("compile cache: not used", "error", err)
		}
		r.store = store
	}
	return r, nil
}

// Engine says how core code runs: Compiler or Interpreter.
func (r *Runtime) Engine() Kind {
	if r.kind == Auto {
		if hasCompiler() {
			return Compiler
		}
		return Interpreter
	}
	return r.kind
}

// features that the compiler gets right; the interpreter has exceptions too.
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall |
	experimental.CoreFeaturesExtendedConst | experimental.CoreFeaturesThreads

// on returns the wazero runtime of a kind.
func (r *Runtime) on(ctx context.Context, k Kind) (loop, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &r.loops[k]
	if l.Runtime != nil {
		return *l, nil
	}
	var c wazero.RuntimeConfig
	if k == Compiler {
		c = compilerConfig()
		if r.store != nil {
			c = c.WithCompilationCache(r.store.cache)
		}
	} else {
		c = configured(wazero.NewRuntimeConfigInterpreter(), features|experimental.CoreFeaturesExceptionHandling).
			WithCloseOnContextDone(true)
	}
	rt := wazero.NewRuntimeWithConfig(ctx, c)
	fuel, err := newFuel(ctx, rt)
	if err != nil {
		return loop{}, errors.Join(err, rt.Close(ctx))
	}
	*l = loop{Runtime: rt, fuel: fuel, shrinks: sync.OnceValue(func() bool { return r.proveShrink(k) })}
	return *l, nil
}

func compilerConfig() wazero.RuntimeConfig {
	return configured(wazero.NewRuntimeConfigCompiler(), features)
}

func configured(c wazero.RuntimeConfig, f api.CoreFeatures) wazero.RuntimeConfig {
	return c.WithCoreFeatures(f).WithMemoryLimitPages(maxPages).WithCustomSections(false)
}

// newFuel makes the module that core modules import their check from.
func newFuel(ctx context.Context, rt wazero.Runtime) (api.Module, error) {
	compiled, err := rt.NewHostModuleBuilder(fuelModule).NewFunctionBuilder().WithName(fuelCheck).
		WithGoFunction(api.GoFunc(func(ctx context.Context, stack []uint64) {
			ctx.(*callContext).check()
			stack[0] = quantum
		}), nil, []api.ValueType{api.ValueTypeI64}).Export(fuelCheck).Compile(ctx)
	if err != nil {
		return nil, err
	}
	return rt.InstantiateModule(ctx, compiled, instanceConfig)
}

// Close releases everything. No instance may be in use.
func (r *Runtime) Close(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for k, l := range r.loops {
		if l.Runtime != nil {
			errs = append(errs, l.Close(ctx))
			r.loops[k] = loop{}
		}
	}
	if r.store != nil {
		errs = append(errs, r.store.close(ctx))
		r.store = nil
	}
	return errors.Join(errs...)
}

// Ref is a core definition: export Name of core instance Instance or, when
// Instance is negative, host function Host.
type Ref struct {
	Instance int
	Name     string
	Host     int
}

// ModuleSpec is a core module and how it is wired.
type ModuleSpec struct {
	Name   string // for messages and backtraces
	Bytes  []byte
	Offset int // of the first byte in the component's file
	// Imports says, in the order of the module's import section, what each is.
	Imports []Ref
	// Engine is Compiler or Interpreter; modules that share instances have the same.
	Engine Kind
}

// Module is a compiled core module. It is immutable and safe for concurrent use.
type Module struct {
	name     string
	kind     Kind
	rt       loop // what runs it
	compiled wazero.CompiledModule
	info     moduleInfo
	// What its memory has at first, which is not part of what is compiled: an
	// image if it can be mapped, or else segments. Both are nil when there is
	// nothing, or when wazero places the data.
	image *image
	data  []segment
	close func(ctx context.Context) error
}

// ErrNeedsInterpreter is in the error of a module that the compiler cannot be
// trusted with. All modules of its component go to the interpreter then.
var ErrNeedsInterpreter = errors.New("needs the interpreter")

// UnsupportedError is a feature of WebAssembly that wazero does not have.
type UnsupportedError struct {
	Feature string
	Module  string
	Offset  int // in the component's file
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s (at offset %#x) needs %s, which this engine does not have", e.Module, e.Offset, e.Feature)
}

// CompileModule rewrites and compiles a module. What it compiles is shared with
// equal modules. It does not keep s.Bytes.
func (r *Runtime) CompileModule(ctx context.Context, s ModuleSpec) (*Module, error) {
	key, data, err := keyOf(&s)
	if err != nil {
		return nil, err
	}
	c, err := r.acquire(ctx, &s, key)
	if err != nil {
		return nil, err
	}
	m := &Module{name: s.Name, kind: s.Engine, rt: c.rt, compiled: c.compiled, info: c.info}
	m.keepData(data)
	var once sync.Once
	m.close = func(ctx context.Context) (err error) {
		once.Do(func() { err = r.release(ctx, c) })
		return err
	}
	return m, nil
}

// compileError says which module an error of wazero's is about.
func compileError(s *ModuleSpec, err error) error {
	switch {
	case err == nil:
		return nil
	case s.Engine == Compiler && strings.Contains(err.Error(), "exception-handling"):
		return fmt.Errorf("%s uses exceptions: %w", s.Name, ErrNeedsInterpreter)
	}
	return fmt.Errorf("%s (at offset %#x): %s%w", s.Name, s.Offset, rule(err.Error()), err)
}

// rule names the rule of validation that wazero's message is about, where its
// words are not those of the specification.
func rule(message string) string {
	for _, s := range []string{"cannot pop", "not enough results", "too many results"} {
		if strings.Contains(message, s) {
			return "type mismatch: "
		}
	}
	return ""
}

// Validate says whether a module is valid, as far as wazero can say: one that
// needs what wazero does not have is taken to be. It is for modules that are
// never instantiated, of which there is no wiring.
func (r *Runtime) Validate(ctx context.Context, s ModuleSpec, imports int) error {
	s.Engine = Interpreter // which takes all that the compiler takes, and makes no code
	s.Imports = make([]Ref, imports)
	m, err := r.CompileModule(ctx, s)
	var unsupported *UnsupportedError
	if errors.As(err, &unsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	return m.Close(ctx)
}

// Close releases the compiled code, which stays for as long as equal modules use
// it. No instance of m may be in use.
func (m *Module) Close(ctx context.Context) error { return m.close(ctx) }
