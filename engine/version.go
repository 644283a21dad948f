package engine

import "strings"

// versionLine returns the name under which versions of an interface that can
// stand in for each other meet: wasi:io/streams@0.2.3 and …@0.2.12 are both
// wasi:io/streams@0.2; 1.4.0 is on line 1. A prerelease stands alone.
func versionLine(name string) string {
	base, version, ok := strings.Cut(name, "@")
	if !ok {
		return name
	}
	version, _, _ = strings.Cut(version, "+")
	if strings.Contains(version, "-") {
		return base + "@" + version
	}
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	switch {
	case major != "0":
		return base + "@" + major
	case minor != "0":
		return base + "@0." + minor
	default:
		return base + "@" + version
	}
}
