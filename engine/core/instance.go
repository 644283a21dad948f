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
	// Meter measures and bounds the time that its code runs.
	Meter *Meter
}

// Instance is a core instance.
type Instance struct {
	mod    api.Module
	module *Module
	// calledOut says that a start function of it called the host.
	calledOut bool
	pristine  *pristine // what Reset returns it to, if it can
	budget    *Budget
	meter     *Meter
	mem       *linearMemory // its own; nil when it has none
	tables    int64         // what it took from the budget for tables
}

// instanceConfig is for every instance: no name, so that none clashes; no
// exported function is run by its name; no random source, which would be made
// at a cost for each and which nothing uses.
var instanceConfig = wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(noRandom{})

type noRandom struct{}

func (noRandom) Read([]byte) (int, error) { return 0, fmt.Errorf("core modules have no random source") }

// Instantiate makes an instance of m and runs its start function. others are
// the core instances that came before, by ordinal.
func (m *Module) Instantiate(ctx context.Context, host *Host, others []*Instance, c InstanceConfig) (*Instance, error) {
	i := &Instance{module: m, budget: c.Budget, meter: c.Meter}
	if err := i.allocate(); err != nil {
		return nil, err
	}
	values := experimental.WithImportResolver(context.Background(), func(name string) api.Module {
		switch name {
		case "h":
			return host.module
		case fuelModule:
			return m.rt.fuel
		}
		n, err := strconv.Atoi(name[1:])
		if err != nil || n >= len(others) {
			return nil
		}
		return others[n].mod
	})
	values = experimental.WithMemoryAllocator(values, memoryAllocator{i.mem})
	cc := &callContext{values: values}
	cc.init(ctx, c.Meter)
	if m.kind == Interpreter {
		defer cc.limit()()
	}
	c.Meter.enter()
	mod, err := m.rt.InstantiateModule(cc, m.compiled, instanceConfig)
	c.Meter.leave()
	if err != nil {
		i.release()
		return nil, trap(cc.Context, err)
	}
	i.mod = mod
	i.calledOut = cc.calledOut
	return i, nil
}

// Start calls an exported function as the start function of a module is called,
// when it is instantiated.
func (i *Instance) Start(ctx context.Context, name string) error {
	cc := &callContext{}
	cc.init(ctx, i.meter)
	if i.module.kind == Interpreter {
		defer cc.limit()()
	}
	i.meter.enter()
	_, err := i.mod.ExportedFunction(name).Call(cc)
	i.meter.leave()
	if err != nil {
		return trap(cc.Context, err)
	}
	i.calledOut = i.calledOut || cc.calledOut
	return nil
}

// allocate takes what the instance's tables and memory need, and puts the
// module's data there.
func (i *Instance) allocate() error {
	info := &i.module.info
	if err := i.budget.take(int64(info.tableBytes)); err != nil {
		return fmt.Errorf("%s: its tables: %w", i.module.name, err)
	}
	i.tables = int64(info.tableBytes)
	if info.memories == 0 {
		return nil
	}
	m, err := newMemory(i.budget, info.minPages, uint64(info.maxPages)*wasmPage, info.shared)
	if err != nil {
		i.release()
		return fmt.Errorf("%s: its memory: %w", i.module.name, err)
	}
	if i.module.image != nil {
		m.place(i.module.image)
	}
	fill(m.buf, i.module.data)
	i.mem = m
	return nil
}

// release gives back what allocate took.
func (i *Instance) release() {
	i.budget.give(i.tables)
	i.tables = 0
	if i.mem != nil {
		i.mem.release()
		i.mem = nil
	}
}

// Close ends the instance and gives back what it took. No call may be under way,
// in it or in one that imports from it.
func (i *Instance) Close(ctx context.Context) error {
	err := i.mod.Close(ctx)
	i.release()
	return err
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

// Bytes is all of the memory, in place, until it grows or its instance is closed.
func (m *Memory) Bytes() []byte {
	b, _ := m.mem.Read(0, m.mem.Size())
	return b
}
