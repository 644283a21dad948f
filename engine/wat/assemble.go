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
	if !c.isList("component") && !c.isList("module") {
		return encodeModule(p, "", nodes), nil
	}
	n := c.next("a module")
	c.end()
	m := p.module(n)
	return m.Binary, m.Err
}
