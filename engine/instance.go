package engine

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/canon"
	"github.com/godwit-runtime/godwit/engine/core"
	"github.com/godwit-runtime/godwit/engine/types"
)

// InstanceConfig configures one Instance. The zero value is good.
type InstanceConfig struct {
	// Host is the state that host functions find in abi.Context.Host.
	Host any
	// MemoryLimit bounds the linear memories of the instance, in bytes, all of
	// them together; 0 is the default of package core.
	MemoryLimit uint64
	// MaxHandles bounds the handle table of each component instance; 0 means
	// canon.DefaultMaxHandles.
	MaxHandles int
	// CPULimit bounds how long the instance's code may run in all, with host
	// functions that are prompt and without the others; 0 is no bound.
	CPULimit time.Duration
}

// Instance is a running instance. It executes one call at a time: a second one,
// from another goroutine or from a host function that the first is in, gets an
// error. After a trap every call gets an error; Close it and make another.
type Instance struct {
	linked *Linked
	store  *canon.Store
	cores  []*core.Instance
	meter  *core.Meter
	busy   atomic.Bool
	call   Call
	// resettable says that every core instance follows a snapshot.
	resettable bool
}

// Instantiate makes an instance: core modules are instantiated in order and
// their start functions run. ctx bounds that, not later calls.
func (ln *Linked) Instantiate(ctx context.Context, c InstanceConfig) (_ *Instance, err error) {
	p := ln.component.plan
	s := canon.NewStore(p.instances, c.MaxHandles, c.Host)
	meter := core.NewMeter(c.CPULimit)
	i := &Instance{linked: ln, store: s, meter: meter, cores: make([]*core.Instance, 0, len(p.cores))}
	budget := ln.component.engine.rt.NewBudget(c.MemoryLimit)
	if p.async {
		s.Budget = budget
		s.Schedule()
		defer s.EnterFromHost(ctx)()
	}
	ln.makeSlots(s)
	defer func() {
		if r := recover(); r != nil {
			err = recovered(r)
		}
		if err != nil {
			_ = i.Close(ctx)
		}
	}()
	config := core.InstanceConfig{Budget: budget, Meter: meter}
	for k, m := range ln.component.cores {
		start := s.Instances[p.cores[k].instance].Begin(ctx)
		ci, err := m.Instantiate(&start.Thread, ln.host, i.cores, config)
		if err != nil {
			return nil, trap(err)
		}
		i.cores = append(i.cores, ci)
		if err := i.fillSlots(k, ci); err != nil {
			return nil, err
		}
		start.End()
		for _, c := range p.cores[k].starts {
			start := s.Instances[c.instance].Begin(ctx)
			if err := i.cores[c.fn.Instance].Start(&start.Thread, c.fn.Name); err != nil {
				return nil, trap(err)
			}
			start.End()
		}
	}
	return i, nil
}

// makeSlots makes the slots of the plan and fills those that need no core instance.
func (ln *Linked) makeSlots(s *canon.Store) {
	p := ln.component.plan
	s.Options = make([]canon.Options, len(p.options))
	s.Funcs = make([]canon.CoreFunc, len(p.funcs))
	s.Tables = make([]canon.Table, len(p.tables))
	for k, o := range p.options {
		s.Options[k].Encoding = abi.Encoding(o.encoding)
	}
	for k, r := range p.funcs {
		if r.Instance < 0 {
			ln.setFunc(s, k, hostCoreFunc(ln.hostFuncs[r.Host].Call))
		}
	}
}

// fillSlots fills the slots that core instance k provides for.
func (i *Instance) fillSlots(k int, ci *core.Instance) error {
	ln, s := i.linked, i.store
	p := ln.component.plan
	for _, f := range ln.fills[k].funcs {
		cf := ci.Func(p.funcs[f].Name)
		if cf == nil {
			return fmt.Errorf("core instance %d has no function %q", k, p.funcs[f].Name)
		}
		ln.setFunc(s, f, cf)
	}
	for _, m := range ln.fills[k].memories {
		mem := ci.Memory(p.memories[m].Name)
		if mem == nil {
			return fmt.Errorf("core instance %d has no memory %q", k, p.memories[m].Name)
		}
		for _, o := range ln.users.memory[m] {
			s.Options[o].Memory = mem
		}
	}
	for _, t := range ln.fills[k].tables {
		table := ci.Table(p.tables[t].Name)
		if table == nil {
			return fmt.Errorf("core instance %d has no table %q", k, p.tables[t].Name)
		}
		s.Tables[t] = funcTable{table}
	}
	return nil
}

// setFunc fills a function slot and the options that use it.
func (ln *Linked) setFunc(s *canon.Store, slot int, f canon.CoreFunc) {
	s.Funcs[slot] = f
	for _, o := range ln.users.realloc[slot] {
		inst := ln.component.plan.options[o].instance
		s.Options[o].Realloc = &canon.Realloc{Inst: &s.Instances[inst], Func: f}
	}
	for _, o := range ln.users.postReturn[slot] {
		s.Options[o].PostReturn = f
	}
	for _, o := range ln.users.callback[slot] {
		s.Options[o].Callback = f
	}
}

// funcTable is a table that threads begin in.
type funcTable struct{ *core.Table }

func (t funcTable) Func(index uint32) (canon.CoreFunc, error) { return t.Table.Func(index) }

// hostCoreFunc is a host function that a component uses as a core function
// directly, without a core module between.
type hostCoreFunc func(ctx context.Context, stack []uint64)

func (f hostCoreFunc) Call(ctx context.Context, stack []uint64) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = recovered(r)
		}
	}()
	f(ctx, stack)
	return nil
}

// CPUTime is how long the instance's code has run, with the host functions that it
// called if they are prompt (see HostFunc), without the others.
func (i *Instance) CPUTime() time.Duration { return i.meter.CPUTime() }

// Close ends the instance: host resources that it still owns are dropped, its
// memories released. No call may be under way.
func (i *Instance) Close(ctx context.Context) error {
	i.store.Poison(errClosed)
	i.store.Close()
	i.store.OwnedHostResources(i.dropOwned(ctx))
	var first error
	for k := len(i.cores) - 1; k >= 0; k-- {
		if err := i.cores[k].Close(ctx); err != nil && first == nil {
			first = err
		}
	}
	i.cores = nil
	return first
}

// dropOwned drops a host resource that the instance still owned.
func (i *Instance) dropOwned(ctx context.Context) func(rt *types.Resource, object any) {
	return func(rt *types.Resource, object any) {
		if drop := i.linked.drops[rt]; drop != nil {
			drop(ctx, object)
		}
	}
}

// DropResource runs the destructor of a guest resource that the host owns.
func (i *Instance) DropResource(ctx context.Context, rt *types.Resource, rep abi.Rep) (err error) {
	if !i.busy.CompareAndSwap(false, true) {
		return errBusy
	}
	defer i.busy.Store(false)
	if i.store.Async() {
		defer i.store.EnterFromHost(ctx)()
	}
	defer func() {
		if r := recover(); r != nil {
			err = recovered(r)
			i.store.Poison(err)
		}
	}()
	i.linked.destructor(rt)(ctx, nil, i.store, rep)
	return nil
}
