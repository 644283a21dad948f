package filesystem

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Preopen is a directory that guests are granted.
type Preopen struct {
	// Root is the directory. All instances share it, and none closes it.
	Root *os.Root
	// Guest is the name by which guests know it: "/data", or ".".
	Guest string
	// ReadOnly denies whatever would change the directory or what is beneath it.
	ReadOnly bool
}

// OpenPreopen opens the directory at path as a Preopen. Without a guest's name,
// guests know it by its path.
func OpenPreopen(path, guest string, readOnly bool) (Preopen, error) {
	if guest == "" {
		guest = path
	}
	// A pipe must not hold the one who asks.
	if st, err := os.Stat(path); err != nil {
		return Preopen{}, err
	} else if !st.IsDir() {
		return Preopen{}, fmt.Errorf("%s is not a directory", path)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return Preopen{}, err
	}
	return Preopen{Root: root, Guest: guest, ReadOnly: readOnly}, nil
}

// ParsePreopen opens the directory that a text such as the value of --dir names:
// HOST[::GUEST][:ro]. A name of the host's that ends in ":ro" itself is written
// with the guest's name after it.
func ParsePreopen(text string) (Preopen, error) {
	spec, readOnly := strings.CutSuffix(text, ":ro")
	if readOnly && drive(spec) {
		spec, readOnly = text, false // the directory ro on a drive
	}
	path, guest, named := strings.Cut(spec, "::")
	if path == "" || named && guest == "" {
		return Preopen{}, fmt.Errorf("%q is not of the form HOST[::GUEST][:ro]", text)
	}
	return OpenPreopen(path, guest, readOnly)
}

// drive says whether s is the name of a drive, without its colon.
func drive(s string) bool {
	return runtime.GOOS == "windows" && len(s) == 1 && (s[0]|0x20) >= 'a' && (s[0]|0x20) <= 'z'
}
