package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is the unit of times in /proc, on every architecture that Go knows.
const tick = 10 * time.Millisecond

// usageOf reads what a process has used from /proc.
func usageOf(pid int) (u usage) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return u
	}
	// After the name in parentheses: state is field 3, utime 14, stime 15.
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 13 {
		return u
	}
	for _, b := range f[11:13] {
		n, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			return usage{}
		}
		u.cpu += time.Duration(n) * tick
	}
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		return usage{}
	}
	_, after, found := bytes.Cut(status, []byte("\nVmHWM:"))
	if !found {
		return usage{}
	}
	kib, err := strconv.ParseInt(string(bytes.Fields(after)[0]), 10, 64)
	if err != nil {
		return usage{}
	}
	u.peak, u.ok = kib<<10, true
	return u
}
