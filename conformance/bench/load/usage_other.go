//go:build !linux

package main

// usageOf: this system says what a process has used only when it has ended.
func usageOf(int) usage { return usage{} }
