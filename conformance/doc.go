// Package conformance holds what is true of the project as a whole, as tests:
// the architecture (this package's architecture_test.go), the guests through a
// real socket on both engines, and the benchmarks. Sub-packages run the official
// suites.
//
// It has no code of its own. Its tests may import everything; nothing may
// import it.
package conformance
