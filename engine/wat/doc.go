// Package wat turns the text format of core modules and components into the
// binary one, and reads the scripts (.wast) that the official tests are written in.
//
// It owns the lexical format (lex.go, node.go), core modules (core_*.go),
// components (component*.go) and scripts (script.go). It implements the text
// format of the core specification, and Explainer.md and Binary.md of the
// Component Model. It does not validate: a well-formed text whose meaning is
// wrong gives a binary that the decoder rejects.
//
// It imports nothing of this module.
package wat
