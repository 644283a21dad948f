package wat

// This file reads the definitions of a component (Explainer.md, "Component
// Definitions" and "Instance Definitions").

// assembleComponent turns (component id? …) into its identifier and its binary.
func assembleComponent(p *parser, n *node) (id string, binary []byte) {
	c := p.after(n)
	id = c.id()
	s := (*scope)(nil).inner(p, n, componentScope, id)
	return id, s.definitions(c)
}

// definitions reads the fields of a component.
func (s *scope) definitions(c *cursor) []byte {
	for !c.done() {
		s.definition(c.next("a definition"))
	}
	return s.finish()
}

func (s *scope) definition(n *node) {
	c := s.p.after(n)
	switch n.head() {
	case "core":
		s.coreDefinition(n, c)
	case "component":
		s.componentDef(n, c)
	case "instance":
		s.instanceDef(n, c)
	case "alias":
		s.alias(c, false, 0, "")
	case "type":
		s.typeDef(n, c)
	case "canon":
		s.canonDef(n, c)
	case "func":
		s.funcDef(n, c)
	case "start":
		s.startDef(n, c)
	case "import":
		s.importDef(n, c)
	case "export":
		s.exportDef(n, c)
	case "value":
		s.valueDef(n, c)
	default:
		s.p.fail(n, "expected a definition such as (func …), found %s", n.describe())
	}
}

// coreDefinition reads what is behind the word core.
func (s *scope) coreDefinition(at *node, c *cursor) {
	if c.word("rec") {
		s.coreRec(c)
		return
	}
	switch k := c.coreSort(); k {
	case coreModuleSort:
		s.coreModuleDef(at, c)
	case coreInstanceSort:
		s.coreInstanceDef(at, c)
	case coreTypeSort:
		s.coreTypeDef(at, c)
	default:
		id := c.id()
		if in := c.list("canon"); in != nil && k == coreFuncSort {
			b := s.coreCanon(in)
			in.end()
			s.add(canonSection, b)
			s.define(coreFuncSort, at, id)
		} else if in := c.list("alias"); in != nil {
			s.alias(in, true, k, id)
		} else if k == coreFuncSort {
			c.expected("(canon …) or (alias …)")
		} else {
			c.expected("(alias …)")
		}
		c.end()
	}
}

func (s *scope) coreModuleDef(at *node, c *cursor) {
	id := c.id()
	exports := s.inlineExports(c)
	if name, ok := c.inline("import"); ok {
		s.inlineImport(at, name, coreModuleSort, id, c)
	} else if in := c.list("alias"); in != nil {
		c.end()
		s.alias(in, true, coreModuleSort, id)
	} else {
		s.addSection(coreModuleSection, encodeModule(s.p, id, c.nodes[c.at:]))
		s.define(coreModuleSort, at, id)
	}
	s.export(at, exports, coreModuleSort)
}

func (s *scope) componentDef(at *node, c *cursor) {
	id := c.id()
	exports := s.inlineExports(c)
	if name, ok := c.inline("import"); ok {
		s.inlineImport(at, name, componentSort, id, c)
	} else if in := c.inverted(); in != nil {
		s.alias(in, true, componentSort, id)
	} else {
		binary := s.inner(s.p, at, componentScope, id).definitions(c)
		s.addSection(componentSection, binary)
		s.define(componentSort, at, id)
	}
	s.export(at, exports, componentSort)
}

// inverted takes (alias …) if it is the rest and makes the definition around it.
// In a component, (alias … (sort)) is a definition instead.
func (c *cursor) inverted() *cursor {
	if !c.isList("alias") || c.at != len(c.nodes)-1 {
		return nil
	}
	n := c.peek()
	if n.nodes[len(n.nodes)-1].kind == list {
		return nil
	}
	return c.list("alias")
}

func (s *scope) coreInstanceDef(at *node, c *cursor) {
	id := c.id()
	if in := c.list("instantiate"); in != nil {
		c.end()
		s.coreInstantiate(at, id, in)
	} else if in := c.list("alias"); in != nil {
		c.end()
		s.alias(in, true, coreInstanceSort, id)
	} else {
		s.coreExports(at, id, c)
	}
}

// coreInstantiate reads what is behind the word instantiate.
func (s *scope) coreInstantiate(at *node, id string, c *cursor) {
	module := *c
	c.next("a core module")
	args := s.withArgs(c, s.coreExports, coreInstanceSort)
	b := appendU32([]byte{0x00}, s.use(coreModuleSort, &module))
	b = appendU32(b, uint32(len(args)))
	for _, a := range args {
		if a.rest != nil {
			a.index = s.use(coreInstanceSort, a.rest)
			a.rest.end()
		}
		b = appendU32(append(appendName(b, a.name), sortInfo[coreInstanceSort].opcode), a.index)
	}
	s.add(coreInstanceSection, b)
	s.define(coreInstanceSort, at, id)
}

// coreExports defines a core instance of (export "name" (sort …))*.
func (s *scope) coreExports(at *node, id string, c *cursor) {
	exports := vec{}
	for !c.done() {
		in := c.expectList("export")
		name := in.name("an export name")
		n := in.next("a core definition such as (func $f)")
		if n.kind != list {
			s.p.fail(n, "expected a core definition such as (func $f), found %s", n.describe())
		}
		in.end()
		item := s.p.elements(n)
		k := item.coreSort()
		index := s.path(k, item)
		exports.push(appendU32(append(appendName(nil, name), sortInfo[k].opcode), index)...)
	}
	s.add(coreInstanceSection, appendVec([]byte{0x01}, &exports))
	s.define(coreInstanceSort, at, id)
}

// withArg is an argument of instantiate.
type withArg struct {
	name string
	// rest has what the argument refers to, nil if it was an instance written in
	// place, which has the index.
	rest  *cursor
	index uint32
}

// withArgs takes (with "name" …)*, and defines the instances that are written in
// place, which exports does.
func (s *scope) withArgs(c *cursor, exports func(at *node, id string, c *cursor), k sort) (args []withArg) {
	for !c.done() {
		in := c.expectList("with")
		a := withArg{name: in.name("an import name"), rest: in}
		if at := in.peek(); at != nil && at.is("instance") && (len(at.nodes) == 1 || at.nodes[1].kind == list) {
			exports(at, "", in.list("instance"))
			in.end()
			a.rest, a.index = nil, s.space(k).count-1
		}
		args = append(args, a)
	}
	return args
}

func (s *scope) instanceDef(at *node, c *cursor) {
	id := c.id()
	exports := s.inlineExports(c)
	if name, ok := c.inline("import"); ok {
		s.inlineImport(at, name, instanceSort, id, c)
	} else if in := c.list("instantiate"); in != nil {
		c.end()
		s.instantiate(at, id, in)
	} else if in := c.list("alias"); in != nil {
		c.end()
		s.alias(in, true, instanceSort, id)
	} else {
		s.instanceExports(at, id, c)
	}
	s.export(at, exports, instanceSort)
}

// instantiate reads what is behind the word instantiate.
func (s *scope) instantiate(at *node, id string, c *cursor) {
	component := *c
	c.next("a component")
	args := s.withArgs(c, s.instanceExports, instanceSort)
	b := appendU32([]byte{0x00}, s.use(componentSort, &component))
	b = appendU32(b, uint32(len(args)))
	for _, a := range args {
		k := instanceSort
		if a.rest != nil {
			k, a.index = s.useAny(a.rest)
			a.rest.end()
		}
		b = appendU32(k.append(appendName(b, a.name)), a.index)
	}
	s.add(instanceSection, b)
	s.define(instanceSort, at, id)
}

// instanceExports defines an instance of (export "name" attribute* (sort …))*.
func (s *scope) instanceExports(at *node, id string, c *cursor) {
	exports := vec{}
	for !c.done() {
		in := c.expectList("export")
		name := externName(in)
		k, index := s.useAny(in)
		in.end()
		exports.push(appendU32(k.append(name), index)...)
	}
	s.add(instanceSection, appendVec([]byte{0x01}, &exports))
	s.define(instanceSort, at, id)
}

// funcDef reads what is behind the word func.
func (s *scope) funcDef(at *node, c *cursor) {
	id := c.id()
	exports := s.inlineExports(c)
	if name, ok := c.inline("import"); ok {
		s.inlineImport(at, name, funcSort, id, c)
	} else if in := c.list("alias"); in != nil {
		c.end()
		s.alias(in, true, funcSort, id)
	} else {
		index := s.funcTypeUse(at, c)
		if !c.isList("canon") {
			c.expected("(canon lift …), (import …) or (alias …)")
		}
		s.lift(at, c.list("canon"), index, id)
		c.end()
	}
	s.export(at, exports, funcSort)
}

// startDef reads (start f (value v)* (result (value id?))*).
func (s *scope) startDef(at *node, c *cursor) {
	f := s.use(funcSort, c)
	args, results := vec{}, uint32(0)
	for c.isList("value") {
		args.push(appendU32(nil, s.use(valueSort, c))...)
	}
	for in := c.list("result"); in != nil; in = c.list("result") {
		v := in.expectList("value")
		in.end()
		s.define(valueSort, at, v.id())
		v.end()
		results++
	}
	c.end()
	s.addSection(startSection, appendU32(appendVec(appendU32(nil, f), &args), results))
}

func (s *scope) valueDef(at *node, _ *cursor) {
	s.p.fail(at, "value definitions are not implemented")
}
