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
	c := &cursor{p: p, nodes: nodes}
	n := c.peek()
	if c.list("component") != nil {
		c.end()
		_, binary = assembleComponent(p, n)
		return binary, nil
	}
	if l := c.list("module"); l != nil {
		c.end()
		id := l.id()
		return encodeModule(p, id, n.nodes[l.at:]), nil
	}
	return encodeModule(p, "", nodes), nil
}
