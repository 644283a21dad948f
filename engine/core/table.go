package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental/table"
)

// Table is a table of functions.
type Table struct {
	inst  *Instance
	index uint32
}

// Table returns an exported table, or nil.
func (i *Instance) Table(name string) *Table {
	k, ok := i.module.info.tables[name]
	if !ok {
		return nil
	}
	return &Table{inst: i, index: k}
}

var threadStart = []api.ValueType{api.ValueTypeI32}

// Func returns the function at an index, which must take an i32 and return
// nothing, for one call. The error is a *Trap.
func (t *Table) Func(index uint32) (f *Func, err error) {
	defer func() {
		if r := recover(); r != nil { // as call_indirect traps
			cause, ok := r.(error)
			if !ok {
				cause = errors.New("no such table")
			}
			f, err = nil, trap(context.Background(), fmt.Errorf("%s%w", trapPrefix, cause))
		}
	}()
	f = &Func{inst: t.inst, fn: table.LookupFunction(t.inst.mod, t.index, index, threadStart, nil)}
	if t.inst.module.kind == Compiler {
		f.call.inst, f.call.stack = f.inst, stackOf(f.fn)
	}
	return f, nil
}
