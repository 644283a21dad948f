package bindgen

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
)

// files prints every file of the package: per unit its declarations and what
// links it, and for all units together the lifting, the lowering and the types.
func (g *generator) files() (map[string][]byte, error) {
	out := make(map[string][]byte)
	for _, u := range g.out.units {
		var api, link printer
		if err := g.declareUnit(&api, u); err != nil {
			return nil, err
		}
		var err error
		if u.side == importSide {
			err = g.linkImports(&link, u)
		} else {
			err = g.linkExports(&api, u)
		}
		if err != nil {
			return nil, err
		}
		if err := g.emit(out, u.file, &api); err != nil {
			return nil, err
		}
		if err := g.emit(out, u.file+"_link", &link); err != nil {
			return nil, err
		}
	}
	var lift, lower printer
	g.printGuest(&lift)
	g.printNeeds(&lift, &lower)
	if err := g.emit(out, "canon_lift", &lift); err != nil {
		return nil, err
	}
	if err := g.emit(out, "canon_lower", &lower); err != nil {
		return nil, err
	}
	if err := g.emit(out, "canon_types", &g.typeTable); err != nil {
		return nil, err
	}
	out["doc.go"] = g.packageDoc()
	return out, nil
}

// printNeeds prints every function that others call, in the order of their names.
func (g *generator) printNeeds(lift, lower *printer) {
	texts := make(map[string]*printer)
	lifts := make(map[string]bool)
	for len(g.queue) > 0 {
		n := g.queue[0]
		g.queue = g.queue[1:]
		name, w := g.needed[n], &printer{}
		texts[name], lifts[name] = w, n.op < opStore
		if lifts[name] {
			g.printLift(w, n)
		} else {
			g.printLower(w, n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if lifts[name] {
			lift.WriteString(texts[name].String())
		} else {
			lower.WriteString(texts[name].String())
		}
	}
}

// packageDoc is the file with the package comment.
func (g *generator) packageDoc() []byte {
	t := g.out.target
	var w printer
	w.WriteString(header)
	what := t.WIT
	if t.World != "" {
		what = "world " + t.World + " of " + t.WIT
	}
	w.p("\n// Package %s binds %s to Go: the interfaces that a host implements, the", t.Package, what)
	w.p("// functions that link them, and typed callers of what guests export.")
	w.p("//")
	w.p("// A []byte parameter of a host method is a view of the guest's memory: it is")
	w.p("// valid only until the method returns and must not be kept. Every other")
	w.p("// parameter, and a []byte inside of one, is a copy.")
	w.p("package %s", t.Package)
	return []byte(w.String())
}

// emit formats one file: it adds the header and the imports that its body needs.
func (g *generator) emit(out map[string][]byte, name string, body *printer) error {
	if strings.TrimSpace(body.String()) == "" {
		return nil
	}
	src := "package " + g.out.target.Package + "\n\n" + body.String()
	file, err := parser.ParseFile(token.NewFileSet(), name+".go", src, 0)
	if err != nil {
		return fmt.Errorf("generated file %s.go does not parse: %w", name, err)
	}
	known := g.importPaths()
	used := make(map[string]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && known[id.Name] != "" {
				used[id.Name] = true
			}
		}
		return true
	})
	var w printer
	w.WriteString(header)
	w.p("\npackage %s\n", g.out.target.Package)
	var std, own []string
	for _, name := range slices.Sorted(maps.Keys(used)) {
		path := known[name]
		line := fmt.Sprintf("%q", path)
		if !strings.HasSuffix("/"+path, "/"+name) {
			line = name + " " + line
		}
		if strings.Contains(path, ".") {
			own = append(own, line)
		} else {
			std = append(std, line)
		}
	}
	if len(used) > 0 {
		slices.SortFunc(own, func(a, b string) int { return strings.Compare(a[strings.Index(a, `"`):], b[strings.Index(b, `"`):]) })
		w.p("import (\n%s\n\n%s\n)\n", strings.Join(std, "\n"), strings.Join(own, "\n"))
	}
	w.WriteString(body.String())
	formatted, err := format.Source([]byte(w.String()))
	if err != nil {
		return fmt.Errorf("generated file %s.go: %w", name, err)
	}
	out[name+".go"] = formatted
	return nil
}

// importPaths are the packages that generated code may mention, by the name
// under which it does.
func (g *generator) importPaths() map[string]string {
	paths := map[string]string{
		"context": "context",
		"binary":  "encoding/binary",
		"abi":     modulePath + "/engine/abi",
		"types":   modulePath + "/engine/types",
		"engine":  modulePath + "/engine",
	}
	for _, t := range g.opts.Bound {
		if t.ImportPath != g.out.target.ImportPath {
			paths[g.packageName(t)] = t.ImportPath
		}
	}
	return paths
}
