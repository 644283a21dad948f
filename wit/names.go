package wit

import (
	"strconv"
	"strings"
)

// ID is the name of the package as in `wasi:io@0.2.12`.
func (p *Package) ID() string {
	return packageName{p.Namespace, p.Name, p.Version}.String()
}

// ID is the name of the interface as components import it: wasi:io/streams@0.2.12.
// It is "" for an interface that is written inline in a world.
func (i *Interface) ID() string {
	if i.Name == "" || i.Package == nil {
		return ""
	}
	return i.Package.memberID(i.Name)
}

// ID is the name of the world: wasi:cli/command@0.2.12.
func (w *World) ID() string {
	if w.Package == nil {
		return w.Name
	}
	return w.Package.memberID(w.Name)
}

func (p *Package) memberID(name string) string {
	id := p.Namespace + ":" + p.Name + "/" + name
	if p.Version != "" {
		id += "@" + p.Version
	}
	return id
}

// WireName is the name that the function has in a component: "[method]r.f" for
// the method f of r.
func (f *Func) WireName() string {
	switch f.Kind {
	case Method:
		return "[method]" + f.Resource.Name + "." + f.Name
	case Static:
		return "[static]" + f.Resource.Name + "." + f.Name
	case Constructor:
		return "[constructor]" + f.Resource.Name
	}
	return f.Name
}

// ID is the name under which a component imports or exports the item.
func (i *WorldItem) ID() string {
	if i.Name == "" && i.Interface != nil {
		return i.Interface.ID()
	}
	return i.Name
}

// Package finds a package by its id, "wasi:io@0.2.12"; nil when it is not there.
func (r *Resolve) Package(id string) *Package {
	for _, p := range r.Packages {
		if p.ID() == id {
			return p
		}
	}
	return nil
}

// Interface finds an interface by its id, "wasi:io/streams@0.2.12"; nil when it
// is not there.
func (r *Resolve) Interface(id string) *Interface {
	for _, p := range r.Packages {
		for _, i := range p.Interfaces {
			if i.ID() == id {
				return i
			}
		}
	}
	return nil
}

// World finds a world by its id, "wasi:cli/command@0.2.12"; nil when it is not
// there. A name without a package is looked up in the root package, and "" is
// the root package's only world (WIT.md, "Specifying a World").
func (r *Resolve) World(id string) *World {
	if !strings.Contains(id, ":") {
		return r.rootWorld(id)
	}
	for _, p := range r.Packages {
		for _, w := range p.Worlds {
			if w.ID() == id {
				return w
			}
		}
	}
	return nil
}

func (r *Resolve) rootWorld(name string) *World {
	if r.Root == nil {
		return nil
	}
	if name == "" {
		if len(r.Root.Worlds) == 1 {
			return r.Root.Worlds[0]
		}
		return nil
	}
	for _, w := range r.Root.Worlds {
		if w.Name == name {
			return w
		}
	}
	return nil
}

// packageName is what names a package.
type packageName struct {
	namespace, name, version string
}

func (n packageName) String() string {
	s := n.namespace + ":" + n.name
	if n.version != "" {
		s += "@" + n.version
	}
	return s
}

// checkLabel says what keeps name from being a label (Explainer.md, "Import and
// Export Definitions"); "" when nothing does.
func checkLabel(name string) string {
	if !isLetter(name[0]) {
		return "must start with a letter"
	}
	for fragment := range strings.SplitSeq(name, "-") {
		if fragment == "" {
			return "must have a word between '-' and at its ends"
		}
		if strings.Contains(fragment, "_") {
			return "must not have '_'; write '-'"
		}
		if strings.ToLower(fragment) != fragment && strings.ToUpper(fragment) != fragment {
			return "must have words that are all lower case or all upper case"
		}
	}
	return ""
}

// version is a semantic version. Build metadata plays no part in order.
type version struct {
	numbers [3]uint64
	pre     []string
}

// parseVersion reads a full semantic version.
func parseVersion(s string) (v version, ok bool) {
	s, build, hasBuild := strings.Cut(s, "+")
	if hasBuild {
		for part := range strings.SplitSeq(build, ".") {
			if part == "" {
				return v, false
			}
		}
	}
	s, pre, hasPre := strings.Cut(s, "-")
	if hasPre {
		for part := range strings.SplitSeq(pre, ".") {
			if part == "" || len(part) > 1 && part[0] == '0' && isNumeric(part) {
				return v, false
			}
			v.pre = append(v.pre, part)
		}
	}
	parts := strings.SplitN(s, ".", 4)
	if len(parts) != 3 {
		return v, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil || len(part) > 1 && part[0] == '0' {
			return v, false
		}
		v.numbers[i] = n
	}
	return v, true
}

func isNumeric(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// less says whether a comes before b.
func (a version) less(b version) bool {
	for i := range a.numbers {
		if a.numbers[i] != b.numbers[i] {
			return a.numbers[i] < b.numbers[i]
		}
	}
	if len(a.pre) == 0 || len(b.pre) == 0 {
		return len(a.pre) > 0 && len(b.pre) == 0
	}
	for i := range min(len(a.pre), len(b.pre)) {
		x, y := a.pre[i], b.pre[i]
		if x == y {
			continue
		}
		nx, ny := isNumeric(x), isNumeric(y)
		switch {
		case nx != ny:
			return nx
		case nx && len(x) != len(y):
			return len(x) < len(y)
		}
		return x < y
	}
	return len(a.pre) < len(b.pre)
}
