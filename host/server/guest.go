package server

import (
	"fmt"
	"runtime/debug"
	"time"
)

// panicError is a Go panic while a guest ran: a defect of the host.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("panic in the host: %v\n%s", e.value, e.stack)
}

// runGuest answers the request in an instance, and then releases all that the
// guest held.
func (x *exchange) runGuest() {
	defer x.h.release()
	defer x.h.leave()
	defer x.over()
	defer func() {
		x.state.Close()
		x.stdout.flush()
		x.stderr.flush()
	}()
	inst, err := x.callGuest()
	if err != nil {
		x.log(err)
	} else {
		x.served()
	}
	x.end(err) // before Close, which drops the outparam and bodies: the reason comes first
	if inst != nil {
		// The guest's context may be done; closing must not depend on it.
		_ = inst.Close(x.base)
	}
	x.state.HTTP.Outparam().Drop(x.base) // if the instance never got it
}

func (x *exchange) callGuest() (inst Instance, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{value: r, stack: debug.Stack()}
		}
	}()
	inst, err = x.h.guest.Instantiate(x.ctx, x.state)
	if err != nil {
		return inst, err
	}
	err = inst.Handle(x.ctx, x.request, x.state.HTTP.Outparam())
	if m, ok := inst.(interface{ CPUTime() time.Duration }); ok {
		x.cpu.Store(int64(m.CPUTime()))
	}
	return inst, err
}
