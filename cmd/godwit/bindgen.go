package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/godwit-runtime/godwit/tools/bindgen"
	"github.com/godwit-runtime/godwit/wit"
	"github.com/spf13/cobra"
)

func bindgenCommand() *cobra.Command {
	var world, out, pkg, importPath string
	c := &cobra.Command{
		Use:   "bindgen WIT",
		Short: "Generate Go bindings for a world: host interfaces for its imports, typed callers for its exports",
		Long: `Generate Go bindings for a world of the WIT file or directory WIT: an interface
for the host to implement for each import, a typed caller for each export. WASI
interfaces that godwit has bindings for are referred to, not generated again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := wit.ParseDir(args[0])
			if err != nil {
				return failed(err)
			}
			w := r.World(world)
			if w == nil {
				return failed(fmt.Errorf("%s has no world %q; name one with --world", args[0], world))
			}
			if pkg == "" {
				pkg = filepath.Base(out)
			}
			files, err := bindgen.Generate(bindgen.Options{
				Resolve: r,
				Target:  bindgen.Target{WIT: w.Package.ID(), World: w.Name, Package: pkg, ImportPath: importPath},
				Bound:   bindgen.Shipped(),
			})
			if err != nil {
				return failed(err)
			}
			return failed(writeFiles(out, files))
		},
	}
	fl := c.Flags()
	fl.StringVar(&world, "world", "", "the world; may be left out when there is one only")
	fl.StringVar(&out, "out", ".", "directory to write to")
	fl.StringVar(&pkg, "package", "", "name of the Go package (default: that of the directory)")
	fl.StringVar(&importPath, "import-path", "", "import path of the Go package, for packages that refer to each other")
	return c
}

func writeFiles(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		if err := os.WriteFile(filepath.Join(dir, n), files[n], 0o644); err != nil {
			return err
		}
	}
	return nil
}
