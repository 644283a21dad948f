package wat

import (
	"fmt"
	"strings"
)

// Script is a .wast file: commands to carry out in order.
type Script struct {
	Name     string
	Commands []Command
}

// Command is one command of a script. Which fields have a meaning follows from
// Kind.
type Command struct {
	Line, Column int
	Kind         CommandKind
	// Module is the component or core module of Define, Instantiate (nil when Of
	// names one) and the assertions about one.
	Module *Module
	// ID is the name that the definition or instance gets, with its $; "" for none.
	ID string
	// Of is the $name of the definition to instantiate or of the instance to
	// register; "" for the newest.
	Of string
	// As is the name to register under.
	As string
	// Action is what Invoke and the assertions about a call do.
	Action *Action
	// Want is what AssertReturn expects.
	Want []Const
	// Message is what the assertions of failures expect the error to say.
	Message string
}

// CommandKind is what a command does. Its text is the command's name in scripts.
type CommandKind string

// The commands.
const (
	Define           CommandKind = "definition" // (component definition …), (module definition …)
	Instantiate      CommandKind = "instance"   // (component …), (component instance …), and of modules
	Register         CommandKind = "register"
	Invoke           CommandKind = "invoke"
	Get              CommandKind = "get"
	AssertReturn     CommandKind = "assert_return"
	AssertTrap       CommandKind = "assert_trap"       // of an Action or, at instantiation, a Module
	AssertException  CommandKind = "assert_exception"  // of an Action
	AssertExhaustion CommandKind = "assert_exhaustion" // of an Action
	AssertInvalid    CommandKind = "assert_invalid"
	AssertMalformed  CommandKind = "assert_malformed"
	AssertUnlinkable CommandKind = "assert_unlinkable"
)

// Module is a component or core module in a script.
type Module struct {
	Line, Column int
	Core         bool // a core module
	ID           string
	// Binary is its bytes. They need not be valid.
	Binary []byte
	// Err is why its text could not be turned into bytes, an *Error; nil when it
	// could.
	Err error
}

// Action is a call of an export, or a read of an exported global.
type Action struct {
	Line, Column int
	Of           string // the $name of the instance; "" for the newest
	Export       string
	Get          bool
	Args         []Const
}

// ReadScript reads a script. Name stands in errors, which are *Error. A component
// or module whose text is wrong is an error of its own command only; see Module.
func ReadScript(name string, text []byte) (_ *Script, err error) {
	nodes, err := read(name, text)
	if err != nil {
		return nil, err
	}
	defer catch(&err)
	p := &parser{name: name}
	s := &Script{Name: name}
	for k := range nodes {
		s.Commands = append(s.Commands, p.command(&nodes[k]))
	}
	return s, nil
}

// command reads a command.
//
//godwit:dispatch
func (p *parser) command(n *node) Command {
	c := Command{Line: int(n.line), Column: int(n.col), Kind: CommandKind(n.head())}
	args := p.after(n)
	switch head := n.head(); head {
	case "component", "module":
		p.moduleCommand(&c, n)
		return c
	case "register":
		c.As = args.string("the name to register the instance under")
		c.Of = args.id()
	case "invoke", "get":
		c.Kind, c.Action = CommandKind(head), p.action(n)
		return c
	case "assert_return":
		c.Action = p.action(args.next("a call"))
		for !args.done() {
			c.Want = append(c.Want, p.expectation(args.next("a value")))
		}
	case "assert_trap":
		if subject := args.next("a component, a module or a call"); subject.is("component") || subject.is("module") {
			c.Module = p.module(subject)
		} else {
			c.Action = p.action(subject)
		}
		c.Message = args.string("the expected message")
	case "assert_exhaustion":
		c.Action = p.action(args.next("a call"))
		c.Message = args.string("the expected message")
	case "assert_exception":
		c.Action = p.action(args.next("a call"))
	case "assert_invalid", "assert_malformed", "assert_unlinkable":
		c.Module = p.module(args.next("a component or module"))
		c.Message = args.string("the expected message")
	default:
		p.fail(n, "expected a command such as component, invoke or assert_return, found %s", n.describe())
	}
	args.end()
	return c
}

// moduleCommand reads what follows component or module at the top of a script.
func (p *parser) moduleCommand(c *Command, n *node) {
	args := p.after(n)
	switch {
	case args.word("instance"):
		c.Kind = Instantiate
		c.ID = args.id()
		c.Of = args.id()
		args.end()
	case args.word("definition"):
		c.Kind = Define
		c.Module = p.module(n)
		c.ID = c.Module.ID
	default:
		c.Kind = Instantiate
		c.Module = p.module(n)
		c.ID = c.Module.ID
	}
}

// module reads (component …) or (module …) in any of its forms. What is wrong
// inside of it is kept in Err.
func (p *parser) module(n *node) *Module {
	m := &Module{Line: int(n.line), Column: int(n.col), Core: n.is("module")}
	if !m.Core && !n.is("component") {
		p.fail(n, "expected a component or module, found %s", n.describe())
	}
	args := p.after(n)
	args.word("definition")
	rest := args.nodes[args.at:] // the identifier of the component has a use inside of it
	m.ID = args.id()
	switch {
	case args.word("binary"):
		for !args.done() {
			m.Binary = append(m.Binary, args.string("bytes")...)
		}
	case args.word("quote"):
		var text strings.Builder
		for !args.done() {
			text.WriteString(args.string("text"))
			text.WriteByte('\n')
		}
		m.Binary, m.Err = p.quoted(n, text.String())
	default:
		m.Binary, m.Err = p.assembleNode(n, rest)
	}
	return m
}

// quoted assembles quoted text. Positions in errors are those in the quote; their
// name says where it is.
func (p *parser) quoted(n *node, text string) ([]byte, error) {
	p = &parser{name: strings.TrimPrefix(fmt.Sprintf("%s:%d:%d: quote", p.name, n.line, n.col), ":")}
	nodes, err := read(p.name, []byte(text))
	if err != nil {
		return nil, err
	}
	if len(nodes) == 1 && nodes[0].is("module") && n.is("module") {
		nodes = nodes[0].nodes[1:]
	}
	return p.assembleNode(n, nodes)
}

// assembleNode turns (component …) or (module …) at n, with these elements behind
// that word, into a binary.
func (p *parser) assembleNode(n *node, elements []node) (b []byte, err error) {
	defer catch(&err)
	whole := &node{kind: list, line: n.line, col: n.col, nodes: append([]node{n.nodes[0]}, elements...)}
	if n.is("component") {
		_, b = assembleComponent(p, whole)
		return b, nil
	}
	c := p.after(whole)
	id := c.id()
	return encodeModule(p, id, c.nodes[c.at:]), nil
}

func (p *parser) action(n *node) *Action {
	if !n.is("invoke") && !n.is("get") {
		p.fail(n, "expected (invoke …), found %s", n.describe())
	}
	a := &Action{Line: int(n.line), Column: int(n.col), Get: n.is("get")}
	args := p.after(n)
	a.Of = args.id()
	a.Export = args.string("the name of an export")
	for !args.done() && !a.Get {
		a.Args = append(a.Args, p.value(args.next("a value")))
	}
	args.end()
	return a
}
