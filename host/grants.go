package host

import "strings"

// Status says how a host serves an import.
type Status uint8

// How a host serves an import.
const (
	NotProvided Status = iota
	Served
	ServedUnderFlag // linked always, but of use only with the flag
)

// Grant is what this host does about an import.
type Grant struct {
	Status Status
	// Flag grants what is needed: "--allow-outbound". Empty for Served.
	Flag string
	// Note says what a user should know, or why an import is not provided.
	Note string
}

// String is the words of godwit inspect.
func (g Grant) String() string {
	s := "not provided"
	switch g.Status {
	case Served:
		s = "served"
	case ServedUnderFlag:
		s = "served under " + g.Flag
	}
	if g.Note != "" {
		s += " (" + g.Note + ")"
	}
	return s
}

// grants has the interfaces of the 0.2 line, by name without version.
var grants = map[string]Grant{
	"wasi:io/error":                  {Status: Served},
	"wasi:io/poll":                   {Status: Served},
	"wasi:io/streams":                {Status: Served},
	"wasi:clocks/monotonic-clock":    {Status: Served},
	"wasi:clocks/wall-clock":         {Status: Served},
	"wasi:clocks/timezone":           {Status: Served, Note: "always UTC"},
	"wasi:random/random":             {Status: Served},
	"wasi:random/insecure":           {Status: Served},
	"wasi:random/insecure-seed":      {Status: Served},
	"wasi:cli/environment":           {Status: ServedUnderFlag, Flag: "--env", Note: "empty without it"},
	"wasi:cli/exit":                  {Status: Served},
	"wasi:cli/stdin":                 {Status: Served},
	"wasi:cli/stdout":                {Status: Served},
	"wasi:cli/stderr":                {Status: Served},
	"wasi:cli/terminal-input":        {Status: Served},
	"wasi:cli/terminal-output":       {Status: Served},
	"wasi:cli/terminal-stdin":        {Status: Served, Note: "a terminal only with godwit run"},
	"wasi:cli/terminal-stdout":       {Status: Served, Note: "a terminal only with godwit run"},
	"wasi:cli/terminal-stderr":       {Status: Served, Note: "a terminal only with godwit run"},
	"wasi:filesystem/types":          {Status: ServedUnderFlag, Flag: "--dir", Note: "no directories without it"},
	"wasi:filesystem/preopens":       {Status: ServedUnderFlag, Flag: "--dir", Note: "no directories without it"},
	"wasi:sockets/network":           {Status: Served},
	"wasi:sockets/instance-network":  {Status: Served},
	"wasi:sockets/ip-name-lookup":    {Status: ServedUnderFlag, Flag: "-S allow-ip-name-lookup", Note: "or --allow-socket with the name; denied without them"},
	"wasi:sockets/tcp":               {Status: ServedUnderFlag, Flag: "--allow-socket", Note: "sockets are denied without it"},
	"wasi:sockets/tcp-create-socket": {Status: ServedUnderFlag, Flag: "--allow-socket", Note: "sockets are denied without it"},
	"wasi:sockets/udp":               {Status: ServedUnderFlag, Flag: "--allow-socket", Note: "sockets are denied without it"},
	"wasi:sockets/udp-create-socket": {Status: ServedUnderFlag, Flag: "--allow-socket", Note: "sockets are denied without it"},
	"wasi:http/types":                {Status: Served},
	"wasi:http/outgoing-handler":     {Status: ServedUnderFlag, Flag: "--allow-outbound", Note: "requests are denied without it"},
}

// exact has the interfaces that are matched by their whole version: those before
// their first release.
var exact = map[string]Grant{
	"wasi:keyvalue/store@0.2.0-draft":    keyValue,
	"wasi:keyvalue/atomics@0.2.0-draft":  keyValue,
	"wasi:keyvalue/batch@0.2.0-draft":    keyValue,
	"wasi:keyvalue/store@0.2.0-draft2":   keyValue,
	"wasi:keyvalue/atomics@0.2.0-draft2": keyValue,
	"wasi:keyvalue/batch@0.2.0-draft2":   keyValue,
	"wasi:config/store@0.2.0-rc.1":       {Status: ServedUnderFlag, Flag: "--config", Note: "empty without it"},
}

var keyValue = Grant{Status: ServedUnderFlag, Flag: "--keyvalue", Note: "opening a store is denied without it"}

// Lookup says what this host does about an import, such as wasi:http/types@0.2.3.
func Lookup(importName string) Grant {
	name, version, _ := strings.Cut(importName, "@")
	if g, ok := exact[importName]; ok {
		return g
	}
	g, known := grants[name]
	switch {
	case known && line02(version):
		return g
	case known:
		return Grant{Note: "this host serves " + name + " of the 0.2 line only"}
	case strings.HasPrefix(name, "wasi:keyvalue/"):
		return Grant{Note: "this host serves store, atomics and batch of wasi:keyvalue@0.2.0-draft and @0.2.0-draft2"}
	case strings.HasPrefix(name, "wasi:config/"):
		return Grant{Note: "this host serves wasi:config/store@0.2.0-rc.1"}
	case strings.HasPrefix(name, "wasi:"):
		return Grant{Note: "not an interface that godwit implements"}
	}
	return Grant{Note: "not a WASI interface; link it with your own host, or compose the component with one that exports it"}
}

// line02 says whether a version is a release of the 0.2 line.
func line02(version string) bool {
	patch, ok := strings.CutPrefix(version, "0.2.")
	return ok && patch != "" && strings.Trim(patch, "0123456789") == ""
}

// Hint is for engine.Linker.Hint: what to do about an import that is missing.
func Hint(importName string) string {
	g := Lookup(importName)
	if g.Status == NotProvided {
		return g.Note
	}
	if g.Flag != "" {
		return "pass " + g.Flag
	}
	return ""
}
