package server

import (
	"context"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host"
)

// Component is the Guest that a linked component is.
type Component struct {
	linked      *engine.Linked
	handler     *wasihttp.IncomingHandlerExport
	memoryLimit uint64
}

// NewComponent finds what linked exports as wasi:http/incoming-handler. Each
// instance has at most memoryLimit bytes of linear memory; 0 is the engine's
// default. The error says what the component exports instead.
func NewComponent(linked *engine.Linked, memoryLimit uint64) (*Component, error) {
	handler, err := wasihttp.FindIncomingHandler(linked)
	if err != nil {
		return nil, err
	}
	return &Component{linked: linked, handler: handler, memoryLimit: memoryLimit}, nil
}

// Instantiate implements Guest.
func (c *Component) Instantiate(ctx context.Context, st *host.State) (Instance, error) {
	inst, err := c.linked.Instantiate(ctx, engine.InstanceConfig{Host: st, MemoryLimit: c.memoryLimit})
	if err != nil {
		return nil, err
	}
	return &componentInstance{Instance: inst, handler: c.handler}, nil
}

// componentInstance is one instance of a Component.
type componentInstance struct {
	*engine.Instance
	handler *wasihttp.IncomingHandlerExport
}

// Handle implements Instance.
func (i *componentInstance) Handle(ctx context.Context, request wasihttp.IncomingRequest, out wasihttp.ResponseOutparam) error {
	return i.handler.Handle(ctx, i.Instance, request, out)
}
