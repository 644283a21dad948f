package wit

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Config says how to read. The zero Config leaves out what is @unstable.
type Config struct {
	// Features are the @unstable features to keep.
	Features []string
	// AllFeatures keeps everything that is @unstable.
	AllFeatures bool
}

// Parse reads one file, which has a package and may have others nested in it.
func Parse(filename, text string) (*Resolve, error) { return Config{}.Parse(filename, text) }

// ParseDir reads the package in a directory, with the packages in its folder
// deps (WIT.md, "Filesystem structure"). A single file may be named too.
func ParseDir(dir string) (*Resolve, error) { return Config{}.ParseDir(dir) }

// ParseFS reads packages: each path is a directory, read as ParseDir does, or a
// file. They may depend on each other. The last is the root.
func ParseFS(fsys fs.FS, paths ...string) (*Resolve, error) {
	return Config{}.ParseFS(fsys, paths...)
}

// Parse is the function Parse under this configuration.
func (c Config) Parse(filename, text string) (*Resolve, error) {
	f, err := parseFile(filename, text)
	if err != nil {
		return nil, err
	}
	return c.resolve([]group{{name: filename, files: []*fileSyntax{f}}})
}

// ParseDir is the function ParseDir under this configuration.
func (c Config) ParseDir(dir string) (*Resolve, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		text, err := os.ReadFile(dir)
		if err != nil {
			return nil, err
		}
		return c.Parse(dir, string(text))
	}
	r, err := c.ParseFS(os.DirFS(dir), ".")
	var e *Error
	if errors.As(err, &e) {
		located := *e
		located.File = path.Join(dir, e.File)
		return nil, &located
	}
	return r, err
}

// ParseFS is the function ParseFS under this configuration.
func (c Config) ParseFS(fsys fs.FS, paths ...string) (*Resolve, error) {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	var groups []group
	for _, p := range paths {
		info, err := fs.Stat(fsys, p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			g, err := readGroup(fsys, p, []string{p})
			if err != nil {
				return nil, err
			}
			groups = append(groups, g)
			continue
		}
		gs, err := readDir(fsys, p)
		if err != nil {
			return nil, err
		}
		groups = append(groups, gs...)
	}
	return c.resolve(groups)
}

// group is the files that make up one package.
type group struct {
	name  string // of the directory or file
	files []*fileSyntax
}

// readDir reads the groups in deps, then that of the directory itself.
func readDir(fsys fs.FS, dir string) ([]group, error) {
	var groups []group
	deps := path.Join(dir, "deps")
	entries, err := fs.ReadDir(fsys, deps)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		name := path.Join(deps, e.Name())
		files := []string{name}
		if info, err := fs.Stat(fsys, name); err != nil {
			return nil, err
		} else if info.IsDir() {
			if files, err = witFiles(fsys, name); err != nil {
				return nil, err
			}
		} else if !strings.HasSuffix(name, ".wit") {
			continue
		}
		if len(files) == 0 {
			continue
		}
		g, err := readGroup(fsys, name, files)
		if err != nil {
			return nil, err
		}
		groups = append(groups, g)
	}
	files, err := witFiles(fsys, dir)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, &Error{File: dir, Msg: "there is no .wit file in this directory"}
	}
	root, err := readGroup(fsys, dir, files)
	if err != nil {
		return nil, err
	}
	return append(groups, root), nil
}

func witFiles(fsys fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), ".wit") {
			files = append(files, path.Join(dir, e.Name()))
		}
	}
	slices.Sort(files)
	return files, nil
}

func readGroup(fsys fs.FS, name string, files []string) (group, error) {
	g := group{name: name}
	for _, file := range files {
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return g, err
		}
		f, perr := parseFile(file, string(text))
		if perr != nil {
			return g, perr
		}
		g.files = append(g.files, f)
	}
	return g, nil
}
