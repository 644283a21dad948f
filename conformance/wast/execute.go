package wast

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
	"github.com/godwit-runtime/godwit/engine/wat"
	"github.com/godwit-runtime/godwit/host"
)

// outcome is what became of a command; err is nil when it passed.
type outcome struct{ err error }

// machine is the state of a script under way.
type machine struct {
	ctx    context.Context
	engine *engine.Engine
	linker *engine.Linker

	definitions map[string]*engine.Component
	definition  *engine.Component // the newest
	instances   map[string]*instance
	current     *instance // the newest; nil when making it failed
}

// instance is a component instance that scripts can call.
type instance struct {
	linked *engine.Linked
	inst   *engine.Instance
}

// execute carries out a script and sends the outcome of each command.
func execute(ctx context.Context, kind engine.Kind, s *wat.Script, to chan<- outcome) {
	e, err := engine.New(ctx, engine.Config{Kind: kind})
	if err != nil {
		for range s.Commands {
			to <- outcome{err}
		}
		return
	}
	// All that the script made goes with the engine.
	defer func() { _ = e.Close(context.WithoutCancel(ctx)) }()
	m := &machine{
		ctx: ctx, engine: e,
		definitions: map[string]*engine.Component{}, instances: map[string]*instance{},
	}
	m.linker = e.NewLinker()
	if err := host.Link(m.linker, host.Config{}); err != nil {
		to <- outcome{err}
		return
	}
	for k := range s.Commands {
		to <- outcome{m.command(&s.Commands[k])}
	}
}

// command carries out one command. A panic in it is a defect of the engine,
// which fails the command and no more.
func (m *machine) command(c *wat.Command) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	if err := context.Cause(m.ctx); err != nil {
		return err
	}
	switch c.Kind {
	case wat.Define:
		return m.define(c)
	case wat.Instantiate:
		return m.instantiate(c)
	case wat.Register:
		return m.register(c)
	case wat.Invoke, wat.Get:
		_, _, err := m.invoke(c.Action)
		return err
	case wat.AssertReturn:
		return m.assertReturn(c)
	case wat.AssertInvalid, wat.AssertMalformed:
		_, err := m.compile(c.Module)
		return failsWith(err, c.Message)
	case wat.AssertUnlinkable:
		return m.assertUnlinkable(c)
	case wat.AssertTrap, wat.AssertExhaustion:
		return m.assertTrap(c)
	case wat.AssertException:
		_, _, err := m.invoke(c.Action)
		return failsWith(err, "uncaught exception")
	}
	return fmt.Errorf("the runner does not know %s", c.Kind)
}

// failsWith is nil when err is a failure with that message.
func failsWith(err error, message string) error {
	switch {
	case err == nil:
		return errors.New("no error")
	case !strings.Contains(err.Error(), message):
		return err
	}
	return nil
}

func (m *machine) compile(mod *wat.Module) (*engine.Component, error) {
	if mod.Err != nil {
		return nil, mod.Err
	}
	b := mod.Binary
	if mod.Core {
		b = enclose(b)
	}
	return m.engine.Compile(m.ctx, b)
}

// enclose makes a component with a core module in it, so that the engine, which
// compiles components alone, can say whether the module is valid.
func enclose(module []byte) []byte {
	b := []byte("\x00asm\x0d\x00\x01\x00\x01")
	n := len(module)
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(append(b, byte(n)), module...)
}

func (m *machine) define(c *wat.Command) error {
	comp, err := m.compile(c.Module)
	m.definition = comp
	if c.ID != "" {
		delete(m.definitions, c.ID)
		if err == nil {
			m.definitions[c.ID] = comp
		}
	}
	return err
}

func (m *machine) instantiate(c *wat.Command) error {
	m.current = nil
	if c.ID != "" {
		delete(m.instances, c.ID)
	}
	comp, err := m.component(c)
	if err != nil {
		return err
	}
	i, err := m.link(comp)
	if err != nil {
		return err
	}
	if err := m.start(i); err != nil {
		return err
	}
	m.current = i
	if c.ID != "" {
		m.instances[c.ID] = i
	}
	return nil
}

// component is what an Instantiate command is about.
func (m *machine) component(c *wat.Command) (*engine.Component, error) {
	switch {
	case c.Module != nil && c.Module.Core:
		return nil, errors.New("the engine runs components: a core module cannot be instantiated by itself")
	case c.Module != nil:
		return m.compile(c.Module)
	case c.Of != "":
		if comp := m.definitions[c.Of]; comp != nil {
			return comp, nil
		}
		return nil, fmt.Errorf("there is no component definition %s", c.Of)
	case m.definition == nil:
		return nil, errors.New("there is no component definition")
	}
	return m.definition, nil
}

func (m *machine) link(c *engine.Component) (*instance, error) {
	ln, err := m.linker.Link(m.ctx, c)
	if err != nil {
		return nil, err
	}
	return &instance{linked: ln}, nil
}

func (m *machine) start(i *instance) (err error) {
	i.inst, err = i.linked.Instantiate(m.ctx, engine.InstanceConfig{Host: host.Config{}.NewState(m.ctx)})
	return err
}

func (m *machine) instance(id string) (*instance, error) {
	i := m.current
	if id != "" {
		i = m.instances[id]
	}
	switch {
	case i != nil:
		return i, nil
	case id != "":
		return nil, fmt.Errorf("there is no instance %s", id)
	}
	return nil, errors.New("there is no instance")
}

// invoke calls an export. The type of the result is nil when there is none.
func (m *machine) invoke(a *wat.Action) (abi.Value, *types.Type, error) {
	i, err := m.instance(a.Of)
	if err != nil {
		return nil, nil, err
	}
	if a.Get {
		return nil, nil, errors.New("components have no globals to get")
	}
	root, err := i.linked.Interface("")
	if err != nil {
		return nil, nil, err
	}
	f, err := root.Func(a.Export, nil)
	if err != nil {
		return nil, nil, err
	}
	ft := f.Type()
	if len(a.Args) != len(ft.Params) {
		return nil, nil, fmt.Errorf("the script passes %d arguments to a function of %d parameters", len(a.Args), len(ft.Params))
	}
	args := make([]abi.Value, len(a.Args))
	for k := range a.Args {
		if args[k], err = toValue(ft.Params[k].Type, &a.Args[k]); err != nil {
			return nil, nil, fmt.Errorf("argument %d: %w", k, err)
		}
	}
	v, err := f.Call(m.ctx, i.inst, args...)
	return v, ft.Result, err
}

func (m *machine) assertReturn(c *wat.Command) error {
	v, t, err := m.invoke(c.Action)
	switch {
	case err != nil:
		return err
	case t == nil && len(c.Want) == 0:
		return nil
	case t == nil:
		return errors.New("no result")
	case len(c.Want) != 1:
		return fmt.Errorf("the result %s", abi.Format(t, v))
	}
	return returned(t, &c.Want[0], v)
}

// assertTrap expects a call to trap, or an instantiation.
func (m *machine) assertTrap(c *wat.Command) error {
	if c.Action != nil {
		_, _, err := m.invoke(c.Action)
		return failsWith(err, c.Message)
	}
	i, err := m.linkModule(c.Module)
	if err != nil {
		return fmt.Errorf("it was not instantiated at all: %w", err)
	}
	return failsWith(m.start(i), c.Message)
}

func (m *machine) assertUnlinkable(c *wat.Command) error {
	comp, err := m.compile(c.Module)
	if err != nil {
		return fmt.Errorf("it was not linked at all: %w", err)
	}
	_, err = m.linker.Link(m.ctx, comp)
	return failsWith(err, c.Message)
}

func (m *machine) linkModule(mod *wat.Module) (*instance, error) {
	comp, err := m.compile(mod)
	if err != nil {
		return nil, err
	}
	return m.link(comp)
}

// register makes the functions that an instance exports importable, as an
// instance of that name.
func (m *machine) register(c *wat.Command) error {
	i, err := m.instance(c.Of)
	if err != nil {
		return err
	}
	root, err := i.linked.Interface("")
	if err != nil {
		return err
	}
	hi := &engine.HostInterface{Name: c.As}
	for _, x := range i.linked.Component().Description().Type.Exports {
		if x.Extern.Sort == types.SortType && x.Extern.Type.Resource != nil {
			return fmt.Errorf("an instance that exports a resource (%s) cannot be registered", x.Name)
		}
		if x.Extern.Sort != types.SortFunc {
			continue
		}
		f, err := root.Func(x.Name, nil)
		if err != nil {
			return err
		}
		hi.Funcs = append(hi.Funcs, engine.HostFunc{
			Name: x.Name,
			Type: f.Type(),
			Dynamic: func(cx *abi.Context, args []abi.Value) (abi.Value, error) {
				return f.Call(cx.Ctx, i.inst, args...)
			},
		})
	}
	return m.linker.Define(hi)
}
