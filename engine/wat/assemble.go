package wat

// Assemble turns the text of one core module or component into its binary. Name
// stands before the position in errors, which are *Error. The text is
// (module …), (component …), or the fields of a module without the parentheses
// around them.
func Assemble(name string, text []byte) (binary []byte, err error) {
	nodes, err := read(name, text)
	if err != nil {
		return nil, err
	}
	defer catch(&err)
	p := &parser{name: name}
	if len(nodes) == 0 || !nodes[0].is("component") {
		return assembleModule(p, nodes), nil
	}
	if len(nodes) > 1 {
		p.fail(&nodes[1], "unexpected %s behind the component", nodes[1].describe())
	}
	_, binary = assembleComponent(p, &nodes[0])
	return binary, nil
}

// assembleModule turns (module id? field*), or the fields alone, into a binary.
func assembleModule(p *parser, nodes []node) []byte {
	if len(nodes) == 0 || !nodes[0].is("module") {
		return encodeModule(p, "", nodes)
	}
	if len(nodes) > 1 {
		p.fail(&nodes[1], "unexpected %s behind the module", nodes[1].describe())
	}
	c := p.after(&nodes[0])
	id := c.id()
	return encodeModule(p, id, c.nodes[c.at:])
}
