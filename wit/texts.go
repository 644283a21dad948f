package wit

import "embed"

// Texts are the WIT definitions that godwit implements: one directory for each
// package, under wasi/ by version line (wasi/0.2.12/http), and each draft of
// wasi:keyvalue and wasi:config by its own. They declare what the published
// definitions declare, without their prose; worlds have their includes and
// their transitive imports written out.
//
//go:embed wasi
var Texts embed.FS
