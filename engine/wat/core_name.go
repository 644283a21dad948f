package wat

// Subsections of the section of names.
const (
	nameModule = iota
	nameFunc
	nameLocal
	nameLabel
	nameType
	nameTable
	nameMemory
	nameGlobal
	nameElem
	nameData
	nameField
	nameTag
	nameCount
)

// nameSubsections has the subsection for the names of a sort.
var nameSubsections = map[string]byte{
	"func": nameFunc, "table": nameTable, "memory": nameMemory, "global": nameGlobal, "tag": nameTag,
}

// coreNames is the section of names: the identifiers of the text, without their $.
type coreNames [nameCount]vec

// add appends a name; indices come in order. id may be "".
func (t *coreNames) add(subsection byte, index uint32, id string) {
	if id != "" {
		t[subsection].push(appendName(appendU32(nil, index), id[1:])...)
	}
}

// addAll appends the names that belong to one function or type.
func (t *coreNames) addAll(subsection byte, index uint32, names *vec) {
	if names.n > 0 {
		t[subsection].push(appendVec(appendU32(nil, index), names)...)
	}
}

// append appends the section, if there are names.
func (t *coreNames) append(b []byte, module string) []byte {
	var body []byte
	if module != "" {
		body = appendSection(body, nameModule, appendName(nil, module[1:]))
	}
	for k := nameFunc; k < nameCount; k++ {
		body = appendVecSection(body, byte(k), &t[k])
	}
	if body == nil {
		return b
	}
	return appendSection(b, 0, append(appendName(nil, "name"), body...))
}
