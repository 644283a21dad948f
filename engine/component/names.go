package component

import (
	"fmt"
	"strings"

	"github.com/godwit-runtime/godwit/engine/types"
)

// This file is the grammar of names and their uniqueness (Explainer.md, "Import
// and Export Definitions").

// isLabel reports whether s is in kebab case: words of one case each, between
// single hyphens, the first of them not beginning with a digit.
func isLabel(s string) bool {
	for k, word := range strings.Split(s, "-") {
		if word == "" || k == 0 && word[0] >= '0' && word[0] <= '9' {
			return false
		}
		lower, upper := false, false
		for i := range len(word) {
			switch c := word[i]; {
			case c >= 'a' && c <= 'z':
				lower = true
			case c >= 'A' && c <= 'Z':
				upper = true
			case c >= '0' && c <= '9':
			default:
				return false
			}
		}
		if lower && upper {
			return false
		}
	}
	return true
}

// labelSet are the labels of one type so far: strongly unique.
type labelSet struct {
	what, short string
	seen        map[string]string // lowercase → as written
}

func newLabels(what, short string) labelSet {
	return labelSet{what: what, short: short, seen: map[string]string{}}
}

// label reads a label and adds it to l.
func (d *decoder) label(l *labelSet) string {
	at := d.p
	s := d.name()
	if s == "" {
		d.failAt(at, "%s name cannot be empty", l.what)
	}
	if !isLabel(s) {
		d.failAt(at, "%s name `%s` is not in kebab case", l.what, s)
	}
	key := strings.ToLower(s)
	if prev, ok := l.seen[key]; ok {
		d.failAt(at, "%s name `%s` conflicts with previous %s name `%s`", l.what, s, l.short, prev)
	}
	l.seen[key] = s
	return s
}

// nameKind is the form of an extern name.
type nameKind uint8

const (
	plainName nameKind = iota
	constructorName
	methodName
	staticName
	interfaceName
)

// externName is an extern name, parsed.
type externName struct {
	kind     nameKind
	resource string // of constructor, method and static
	label    string // of method and static
	version  string // of an interface name; "" without one
}

// parseExternName parses an extern name.
func parseExternName(s string) (externName, error) {
	for _, a := range []struct {
		prefix string
		kind   nameKind
	}{{"[constructor]", constructorName}, {"[method]", methodName}, {"[static]", staticName}} {
		rest, ok := strings.CutPrefix(s, a.prefix)
		if !ok {
			continue
		}
		n := externName{kind: a.kind, resource: rest}
		if a.kind != constructorName {
			if n.resource, n.label, ok = strings.Cut(rest, "."); !ok {
				return n, fmt.Errorf("failed to find `.` character")
			}
			if !isLabel(n.label) {
				return n, notKebab(n.label)
			}
		}
		if !isLabel(n.resource) {
			return n, notKebab(n.resource)
		}
		return n, nil
	}
	if strings.Contains(s, ":") {
		return parseInterfaceName(s)
	}
	if !isLabel(s) {
		return externName{}, notKebab(s)
	}
	return externName{}, nil
}

func notKebab(s string) error { return fmt.Errorf("`%s` is not in kebab case", s) }

func parseInterfaceName(s string) (externName, error) {
	n := externName{kind: interfaceName}
	rest, version, versioned := strings.Cut(s, "@")
	namespace, rest, _ := strings.Cut(rest, ":")
	if err := words(namespace, "namespace"); err != nil {
		return n, err
	}
	end := strings.IndexAny(rest, ":/")
	if end < 0 {
		end = len(rest)
	}
	if err := words(rest[:end], "package name"); err != nil {
		return n, err
	}
	rest, ok := strings.CutPrefix(rest[end:], "/")
	if !ok {
		return n, fmt.Errorf("expected `/` after package name")
	}
	if end = strings.IndexAny(rest, ":/"); end < 0 {
		end = len(rest)
	}
	if !isLabel(rest[:end]) {
		return n, notKebab(rest[:end])
	}
	if end < len(rest) {
		return n, fmt.Errorf("trailing characters found: `%s`", rest[end:])
	}
	if versioned {
		n.version = version
		if err := checkSemver(version); err != nil && !isCanonVersion(version) {
			return n, fmt.Errorf("`%s` is not a valid semver: %w", version, err)
		}
	}
	return n, nil
}

// words checks a namespace or package name: a label in lower case, whose words
// do not begin with digits at the start.
func words(s, what string) error {
	if !isLabel(s) {
		return notKebab(s)
	}
	if s != strings.ToLower(s) {
		return fmt.Errorf("%s `%s` is not lowercase", what, s)
	}
	return nil
}

// names are the extern names of one scope so far.
type names struct {
	what      string            // "import", "export"
	seen      map[string]string // by what makes them strongly unique
	resources map[*types.Resource]string
	known     map[string]bool // names of resources
}

func newNames(what string) names { return names{what: what} }

// uniqueKey is equal for names that are not strongly unique.
func uniqueKey(s string, n externName) string {
	switch n.kind {
	case constructorName:
		return strings.ToLower(s)
	case methodName, staticName:
		r, l := strings.ToLower(n.resource), strings.ToLower(n.label)
		if r == l {
			return l
		}
		return r + "." + l
	}
	return strings.ToLower(s)
}

// addName checks the name of an import or export of type e and adds it to ns.
func (d *decoder) addName(ns *names, a *attributes, e types.Extern) {
	n, err := parseExternName(a.name)
	if err != nil {
		d.fail("%s name `%s` is not a valid extern name: %v", ns.what, a.name, err)
	}
	d.checkAttributes(a, n, e)
	switch n.kind {
	case constructorName, methodName, staticName:
		if e.Sort != types.SortFunc {
			d.fail("item `%s` is not a func", a.name)
		}
		d.checkAnnotated(ns, n, e.Func, a.name)
	}
	key := uniqueKey(a.name, n)
	if prev, ok := ns.seen[key]; ok {
		d.fail("%s name `%s` conflicts with previous name `%s`", ns.what, a.name, prev)
	}
	set(&ns.seen, key, a.name)
}

// nameResource makes r the resource that name stands for in annotated names.
func (ns *names) nameResource(r *types.Resource, name string) {
	set(&ns.resources, r, name)
	set(&ns.known, name, true)
}

// checkAnnotated checks the function of a constructor, method or static.
func (d *decoder) checkAnnotated(ns *names, n externName, f *types.Func, name string) {
	var r *types.Resource
	switch n.kind {
	case constructorName:
		if f.Result == nil {
			d.fail("`%s`: function should return one value", name)
		}
		own := f.Result
		if own.Kind == types.Result && own.OK != nil {
			own = own.OK
		}
		if own.Kind != types.Own {
			d.fail("`%s`: function should return `(own $T)` or `(result (own $T))`", name)
		}
		r = own.Resource
	case methodName:
		if len(f.Params) == 0 {
			d.fail("`%s`: function should have at least one argument", name)
		}
		if f.Params[0].Name != "self" {
			d.fail("`%s`: function should have a first argument called `self`", name)
		}
		if f.Params[0].Type.Kind != types.Borrow {
			d.fail("`%s`: function should take a first argument of `(borrow $T)`", name)
		}
		r = f.Params[0].Type.Resource
	case staticName:
		if !ns.known[n.resource] {
			d.fail("`%s`: static resource name is not known in this context", name)
		}
		return
	}
	have, ok := ns.resources[r]
	if !ok {
		d.fail("`%s`: resource used in function does not have a name in this context", name)
	}
	if have != n.resource {
		d.fail("`%s`: function does not match expected resource name `%s`", name, have)
	}
}
