package core

import (
	"context"
	"fmt"
	"strconv"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// InstanceConfig configures one core instance.
type InstanceConfig struct {
	// Budget bounds the memory of all core instances that share it.
	Budget *Budget
}

// Instance is a core instance.
type Instance struct {
	mod    api.Module
	module *Module
	budget *Budget
	memory int64 // what it took from the budget for tables
}

// instanceConfig is for every instance: no name, so that none clashes; no
// exported function is run by its name; no random source, which would be made
// at a cost for each and which nothing uses.
var instanceConfig = wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(noRandom{})

type noRandom struct{}

func (noRandom) Read([]byte) (int, error) { return 0, fmt.Errorf("core modules have no random source") }

// A Thread is a context that carries what host functions need to know of the
// call they are in. It may be used again for another call.
type Thread interface {
	context.Context
	// Base is the context of the call, which outlives it.
	Base() context.Context
}

// callContext is what wazero is given. To end a call when its context is done,
// wazero watches the context on a goroutine that can outlive the call, so it
// must not get the Thread itself; host functions do.
type callContext struct {
	context.Context // the Base of thread
	thread          context.Context
	// values has the import resolver and the memory allocator, at instantiation.
	values context.Context
}

func newCallContext(ctx context.Context) *callContext {
	c := &callContext{Context: ctx, thread: ctx}
	if t, ok := ctx.(Thread); ok {
		c.Context = t.Base()
	}
	return c
}

func (c *callContext) Value(key any) any {
	if c.values != nil {
		return c.values.Value(key)
	}
	return c.Context.Value(key)
}

// Instantiate makes an instance of m and runs its start function. others are
// the core instances that came before, by ordinal.
func (m *Module) Instantiate(ctx context.Context, host *Host, others []*Instance, c InstanceConfig) (*Instance, error) {
	i := &Instance{module: m, budget: c.Budget, memory: int64(m.info.tableBytes)}
	if err := c.Budget.take(i.memory); err != nil {
		return nil, fmt.Errorf("%s: its tables: %w", m.name, err)
	}
	if m.info.memories > 0 {
		// Asked for before wazero asks: it cannot take no for an answer.
		need := int64(m.info.minPages) << 16
		if m.info.shared {
			need = int64(m.info.maxPages) << 16
		}
		if err := c.Budget.fits(need); err != nil {
			c.Budget.give(i.memory)
			return nil, fmt.Errorf("%s: its memory: %w", m.name, err)
		}
	}
	values := experimental.WithImportResolver(context.Background(), func(name string) api.Module {
		if name == "h" {
			return host.module
		}
		n, err := strconv.Atoi(name[1:])
		if err != nil || n >= len(others) {
			return nil
		}
		return others[n].mod
	})
	values = experimental.WithMemoryAllocator(values, c.Budget)
	cc := newCallContext(ctx)
	cc.values = values
	mod, err := m.rt.InstantiateModule(cc, m.compiled, instanceConfig)
	if err != nil {
		c.Budget.give(i.memory)
		return nil, trap(cc.Context, err)
	}
	i.mod = mod
	return i, nil
}

// Close ends the instance and gives back what it took.
func (i *Instance) Close(ctx context.Context) error {
	i.budget.give(i.memory)
	i.memory = 0
	return i.mod.Close(ctx)
}

// Func returns an exported function, or nil. It is for one goroutine at a time.
func (i *Instance) Func(name string) *Func {
	if !i.module.info.funcs[name] {
		return nil
	}
	return &Func{inst: i, name: name}
}

// Func is an exported function of an instance. It may be called again while a
// call is under way.
type Func struct {
	inst *Instance
	name string
	fn   api.Function // made when first called: making one costs more than a short call
	busy bool
}

// Call calls the function with the parameters in stack and leaves the results
// there; stack has room for the longer of the two. The error is a *Trap.
func (f *Func) Call(ctx context.Context, stack []uint64) error {
	fn := f.fn
	if fn == nil || f.busy {
		// wazero gives each api.Function one stack: it cannot be entered twice.
		fn = f.inst.mod.ExportedFunction(f.name)
	}
	cc := newCallContext(ctx)
	if f.busy {
		if err := fn.CallWithStack(cc, stack); err != nil {
			return trap(cc.Context, err)
		}
		return nil
	}
	f.fn, f.busy = fn, true
	err := fn.CallWithStack(cc, stack)
	f.busy = false
	if err != nil {
		return trap(cc.Context, err)
	}
	return nil
}

// Memory returns an exported memory, or nil.
func (i *Instance) Memory(name string) *Memory {
	m := i.mod.ExportedMemory(name)
	if m == nil {
		return nil
	}
	return &Memory{mem: m}
}

// Memory is a linear memory.
type Memory struct{ mem api.Memory }

// Bytes is all of the memory, in place, until it grows.
func (m *Memory) Bytes() []byte {
	b, _ := m.mem.Read(0, m.mem.Size())
	return b
}
