package wat

// encodeModule turns the fields of a core module (the nodes behind "module" and
// its identifier) into a binary. id is that identifier, "" if there is none, for
// the section of names.
func encodeModule(p *parser, id string, fields []node) []byte {
	p.fail(nil, "core modules are not implemented yet")
	return nil
}
