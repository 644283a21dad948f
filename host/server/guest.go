package server

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/godwit-runtime/godwit/host/http"
)

// panicError is a Go panic while a guest ran: a defect of the host.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("panic in the host: %v\n%s", e.value, e.stack)
}

// runGuest answers the request in a fresh instance, and then releases all that
// it held. err is why the request could not be made.
func (x *exchange) runGuest(request *http.IncomingRequest, err error) {
	defer x.h.release()
	defer x.h.leave()
	defer x.over()
	defer func() {
		x.state.Close()
		x.h.stdout.close(x.state.CLI.Stdout)
		x.h.stderr.close(x.state.CLI.Stderr)
	}()
	var inst Instance
	if err == nil {
		inst, err = x.callGuest(request)
	}
	if err != nil {
		x.log(err)
	} else {
		x.served()
	}
	x.ended <- err // before Close, which drops the outparam and bodies: the reason comes first
	if inst != nil {
		// The guest's context may be done; closing must not depend on it.
		_ = inst.Close(context.WithoutCancel(x.ctx))
	}
	x.out.Drop(x.ctx) // if the instance never got it
}

func (x *exchange) callGuest(request *http.IncomingRequest) (inst Instance, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{value: r, stack: debug.Stack()}
		}
	}()
	inst, err = x.h.guest.Instantiate(x.ctx, x.state)
	if err != nil {
		return inst, err
	}
	err = inst.Handle(x.ctx, request, x.out)
	if m, ok := inst.(interface{ CPUTime() time.Duration }); ok {
		x.cpu.Store(int64(m.CPUTime()))
	}
	return inst, err
}
