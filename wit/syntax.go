package wit

// The syntax of files, as parsed: names are not looked up yet. Positions are
// byte offsets into the source of the scope that something is in.

// name is an identifier where it stands.
type name struct {
	text string
	pos  int
}

// scopeSyntax is a run of top-level items with one set of file-level names: the
// items of a file, or those of a nested package.
type scopeSyntax struct {
	src    *source
	pkg    *packageName // nil when the file does not say
	pkgPos int
	docs   string
	uses   []topUse
	ifaces []*ifaceSyntax
	worlds []*worldSyntax
	// start and end delimit the items, for the comparison of duplicates.
	spans []span
}

type span struct{ start, end int }

// fileSyntax is a file: its own items and the packages nested in it.
type fileSyntax struct {
	scopeSyntax
	nested []*scopeSyntax
}

// topUse is a `use` at file level.
type topUse struct {
	path pathSyntax
	as   name
}

// pathSyntax names an interface or world; pkg is nil for one that is named by a bare
// name.
type pathSyntax struct {
	pkg  *packageName
	name name
	pos  int
}

func (p pathSyntax) String() string {
	if p.pkg == nil {
		return p.name.text
	}
	return (&Package{Namespace: p.pkg.namespace, Name: p.pkg.name, Version: p.pkg.version}).memberID(p.name.text)
}

// attributes are what stands before an item.
type attributes struct {
	pos        int
	docs       string
	stability  Stability
	externalID string
	hasID      bool // whether there is an @external-id
}

type ifaceSyntax struct {
	attributes
	scope *scopeSyntax
	name  name // "" when inline
	items []*itemSyntax
}

type worldSyntax struct {
	attributes
	scope *scopeSyntax
	name  name
	items []*itemSyntax
}

type itemKind uint8

const (
	itemUse itemKind = iota + 1
	itemType
	itemFunc
	itemImport
	itemExport
	itemInclude
)

// itemSyntax is an item of an interface or world. For itemImport and itemExport
// fn, iface or path is set; the name is "" when only a path is written.
type itemSyntax struct {
	attributes
	kind  itemKind
	name  name
	path  pathSyntax   // itemUse, itemInclude, itemImport, itemExport
	names []rename     // itemUse, itemInclude
	typ   *typeSyntax  // itemType
	fn    *funcSyntax  // itemFunc, itemImport, itemExport
	iface *ifaceSyntax // itemImport, itemExport
	size  int          // of its text
}

// rename is `from as to`; to is from when there is no `as`.
type rename struct{ from, to name }

type funcSyntax struct {
	kind   FuncKind
	async  bool
	params []fieldSyntax
	result *typeSyntax
}

// typeSyntax is a type. KindRef is a name that may turn out to be that of a
// resource.
type typeSyntax struct {
	kind    Kind
	pos     int
	name    name // KindRef, KindOwn, KindBorrow
	elem    *typeSyntax
	key     *typeSyntax
	len     uint32
	ok, err *typeSyntax
	fields  []fieldSyntax // KindRecord, KindTuple (without names)
	cases   []fieldSyntax // KindVariant, KindEnum, KindFlags
	methods []*itemSyntax // KindResource
}

// fieldSyntax is a field, parameter or case; typ is nil for a case without one.
type fieldSyntax struct {
	name name
	docs string
	typ  *typeSyntax
}
