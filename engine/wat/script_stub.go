package wat

func assembleComponent(p *parser, n *node) (id string, binary []byte) {
	p.fail(n, "components in the text format are not implemented yet")
	return "", nil
}
