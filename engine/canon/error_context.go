package canon

import (
	"unicode/utf8"

	"github.com/godwit-runtime/godwit/engine/abi"
)

// errorContext is an error context: a message for those who debug.
//
// spec: ErrorContext
type errorContext struct{ debugMessage string }

// maxDebugMessage bounds what is kept of a message, as the specification allows:
// it is part of objectCost.
const maxDebugMessage = 256

// ErrorContextNew makes an error context.
//
// spec: canon_error_context_new
func (i *Instance) ErrorContextNew(th *Thread, o *Options, ptr, taggedCodeUnits uint32) uint32 {
	i.CheckMayLeave()
	cx := abi.Context{Ctx: th, Memory: o.Memory, Encoding: o.Encoding}
	s := cx.LoadStringFromRange(ptr, taggedCodeUnits)
	if len(s) > maxDebugMessage {
		n := maxDebugMessage
		for !utf8.RuneStart(s[n]) {
			n--
		}
		s = string([]byte(s[:n]))
	}
	return i.addObject(kindErrorContext, &errorContext{s})
}

// ErrorContextDebugMessage stores the message of an error context at ptr.
//
// spec: canon_error_context_debug_message
func (i *Instance) ErrorContextDebugMessage(th *Thread, o *Options, handle, ptr uint32) {
	i.CheckMayLeave()
	e := object[*errorContext](&i.handles, handle, kindErrorContext)
	cx := abi.Context{Ctx: th, Memory: o.Memory, Realloc: o.Realloc, Encoding: o.Encoding}
	cx.CheckRange(ptr, 8, 4)
	cx.StoreString(ptr, e.debugMessage)
}

// ErrorContextDrop drops an error context.
//
// spec: canon_error_context_drop
func (i *Instance) ErrorContextDrop(handle uint32) {
	i.CheckMayLeave()
	object[*errorContext](&i.handles, handle, kindErrorContext)
	i.removeObject(handle)
}
