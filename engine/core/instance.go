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
	budget *Budget
	meter  *Meter
	memory int64 // what it took from the budget for tables
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
	i := &Instance{module: m, budget: c.Budget, meter: c.Meter, memory: int64(m.info.tableBytes)}
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
	values = experimental.WithMemoryAllocator(values, c.Budget)
	cc := &callContext{values: values}
	cc.init(ctx, c.Meter)
	if m.kind == Interpreter {
		defer cc.limit()()
	}
	c.Meter.enter()
	mod, err := m.rt.InstantiateModule(cc, m.compiled, instanceConfig)
	c.Meter.leave()
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
