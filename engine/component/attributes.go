package component

import "github.com/godwit-runtime/godwit/engine/types"

// attributes is a name with its attributes (Binary.md, nameattributes). They are
// validated, and have no part in types.
type attributes struct {
	name          string
	implements    *string
	versionSuffix *string
	externalID    *string
}

func (d *decoder) attributes() *attributes {
	a := &attributes{}
	kind := d.byte()
	if kind > 2 {
		d.invalid(kind, "component name")
	}
	a.name = d.name()
	if kind < 2 {
		return a
	}
	once := func(have *string, what string) *string {
		if have != nil {
			d.fail("duplicate '%s' option in name", what)
		}
		s := d.name()
		return &s
	}
	for range d.count(100, "name option") {
		switch b := d.byte(); b {
		case 0:
			a.implements = once(a.implements, "implements")
		case 1:
			a.versionSuffix = once(a.versionSuffix, "versionsuffix")
		case 2:
			a.externalID = once(a.externalID, "external-id")
		default:
			d.invalid(b, "name option")
		}
	}
	return a
}

// checkAttributes checks the attributes of the import or export n of type e.
func (d *decoder) checkAttributes(a *attributes, n externName, e types.Extern) {
	if a.implements != nil {
		in, err := parseExternName(*a.implements)
		switch {
		case err != nil:
			d.fail("`implements` name `%s` is not a valid name: %v", *a.implements, err)
		case in.kind != interfaceName:
			d.fail("`implements` name `%s` must be an interface", *a.implements)
		case e.Sort != types.SortInstance:
			d.fail("only instances can have an `implements`")
		case n.kind != plainName:
			d.fail("name `%s` is not valid with `implements`", a.name)
		}
	}
	if a.versionSuffix != nil {
		if !isCanonVersion(n.version) {
			d.fail("name `%s` has a version suffix and no canonical version before it", a.name)
		}
		if err := checkSemver(n.version + *a.versionSuffix); err != nil {
			d.fail("version suffix `%s` of `%s` does not make a valid semver: %v", *a.versionSuffix, a.name, err)
		}
	}
}
