package server

import (
	"context"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host"
)

// Component is the Guest that a linked component is. Its instances are pristine:
// one that has answered a request is reset for another, or thrown away.
type Component struct {
	handler *wasihttp.IncomingHandlerExport
	pool    *engine.Pool
}

// NewComponent finds what linked exports as wasi:http/incoming-handler. Instances
// are made with c, except for its Host; its limits are those of each request. The
// error says what the component exports instead.
func NewComponent(linked *engine.Linked, c engine.InstanceConfig) (*Component, error) {
	handler, err := wasihttp.FindIncomingHandler(linked)
	if err != nil {
		return nil, err
	}
	pool := linked.NewPool(engine.PoolConfig{Instance: c})
	return &Component{handler: handler, pool: pool}, nil
}

// Close releases the instances that wait for requests.
func (c *Component) Close(ctx context.Context) { c.pool.Close(ctx) }

// Instantiate implements Guest.
func (c *Component) Instantiate(ctx context.Context, st *host.State) (Instance, error) {
	inst, err := c.pool.Get(ctx, st)
	if err != nil {
		return nil, err
	}
	return &componentInstance{Instance: inst, component: c}, nil
}

// componentInstance is one instance of a Component.
type componentInstance struct {
	*engine.Instance
	component *Component
}

// Handle implements Instance.
func (i *componentInstance) Handle(ctx context.Context, request wasihttp.IncomingRequest, out wasihttp.ResponseOutparam) error {
	return i.component.handler.Handle(ctx, i.Instance, request, out)
}

// Close implements Instance.
func (i *componentInstance) Close(ctx context.Context) error {
	i.component.pool.Put(ctx, i.Instance)
	return nil
}
