//go:build linux || darwin || freebsd

package filesystem

const betweenDirectories = true
