package netpolicy

import (
	"net/netip"
	"strings"
	"sync"
)

// Denial is what a guest asked for and the Policy does not allow. Its text is
// for the operator: it names the flag that would allow it.
type Denial struct {
	Target  Target
	Addr    netip.Addr // where it led, if that was looked at
	Private bool       // Addr is not public, and those are blocked
}

func (d *Denial) Error() string {
	to := d.Target.String()
	if d.Addr.IsValid() && !strings.Contains(to, d.Addr.String()) {
		to += " (" + d.Addr.String() + ")"
	}
	s := d.Target.Scheme
	if d.Private {
		return s.What + " " + to + " denied: the address is private; leave out --block-private to allow it"
	}
	return s.What + " " + to + " denied; pass " + s.Flag + " " + d.Target.String() + " to allow it"
}

// maxDenials is how many things denied to one instance the operator is told of.
const maxDenials = 8

// Denials are those of one instance. It tells the operator of each once, and
// not of all: a guest in a loop must not fill the log. Safe for concurrent use.
type Denials struct {
	// Tell gets the line; nil tells nobody.
	Tell func(err error)

	mu   sync.Mutex
	told map[string]bool
}

// Report tells of err, unless something with the same key was told before.
func (d *Denials) Report(key string, err error) {
	if d.Tell != nil && d.first(key) {
		d.Tell(err)
	}
}

func (d *Denials) first(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.told[key] || len(d.told) >= maxDenials {
		return false
	}
	if d.told == nil {
		d.told = map[string]bool{}
	}
	d.told[key] = true
	return true
}
