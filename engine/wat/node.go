package wat

// The text format has one lexical shape, S-expressions, for core modules,
// components and scripts. It is read once into a tree of nodes; the parts of the
// package that know what the words mean walk the tree.

// kind is what a node is.
type kind uint8

const (
	list  kind = iota // ( … )
	word              // a keyword, a number, anything bare: module, i32.const, 0x1p-3, offset=8
	ident             // $name or $"name"
	str               // "…"
	// annotation is (@name …). The reader keeps it in the tree only where the
	// component format gives it a meaning; see keptAnnotation.
	annotation
)

// node is an atom or a list.
type node struct {
	kind kind
	line int32 // from 1
	col  int32 // from 1, in bytes
	// text is the atom as it is meant: a word as it was written, an identifier
	// with its $ (and without quotes: $"a b" is $a b), the bytes of a string, the
	// name of an annotation without its @.
	text string
	// nodes are the elements of a list or of an annotation (without its name).
	nodes []node
}

// is tells whether n is the list (head …).
func (n *node) is(head string) bool {
	return n.kind == list && len(n.nodes) > 0 && n.nodes[0].kind == word && n.nodes[0].text == head
}

// head is the word that a list begins with, "" if n is no such list.
func (n *node) head() string {
	if n.kind == list && len(n.nodes) > 0 && n.nodes[0].kind == word {
		return n.nodes[0].text
	}
	return ""
}

// describe says what n is, in an error.
func (n *node) describe() string {
	switch n.kind {
	case list:
		if h := n.head(); h != "" {
			return "(" + h + " …)"
		}
		return "a list"
	case annotation:
		return "(@" + n.text + " …)"
	case str:
		return "a string"
	default:
		return n.text
	}
}
