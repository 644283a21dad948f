package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/component"
	"github.com/godwit-runtime/godwit/engine/types"
	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/wit"
	"github.com/spf13/cobra"
)

func inspectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "inspect FILE",
		Short: "Say what a component imports and exports, and what of it this host serves",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			b, err := readComponent(args[0])
			if err != nil {
				return err
			}
			d, err := component.Decode(b)
			if err != nil {
				return failed(fmt.Errorf("%s: %w", args[0], err))
			}
			text, err := describe(d)
			if err != nil {
				return failed(err)
			}
			_, err = fmt.Fprint(os.Stdout, text)
			return failed(err)
		},
	}
}

// describe writes what a component imports and exports as WIT, and what this
// host does about each import.
func describe(d *component.Component) (string, error) {
	var b strings.Builder
	if err := wit.PrintExterns(&b, d.Type.Imports, d.Type.Exports); err != nil {
		return "", err
	}
	b.WriteString("\n")
	b.WriteString(imports(d.Type))
	return b.String(), nil
}

// imports is a table of the imports and how the host serves them.
func imports(t *types.Component) string {
	if len(t.Imports) == 0 {
		return "// It imports nothing.\n"
	}
	width := 0
	for _, im := range t.Imports {
		width = max(width, len(im.Name))
	}
	var b strings.Builder
	b.WriteString("// What this host does about its imports:\n")
	for _, im := range t.Imports {
		fmt.Fprintf(&b, "//   %-*s  %s\n", width, im.Name, host.Lookup(im.Name))
	}
	return b.String()
}

// explain is the same text for a component that does not link.
func explain(c *engine.Component) string {
	text, err := describe(c.Description())
	if err != nil {
		return imports(c.Description().Type)
	}
	return text
}
