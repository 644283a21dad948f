package main

import (
	"github.com/godwit-runtime/godwit/host/sockets"
	"github.com/spf13/cobra"
)

// socketFlags say which sockets a guest may use.
type socketFlags struct {
	allow           []string
	max             int
	inherit, lookup bool
	noTCP, noUDP    bool
}

func (f *socketFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringArrayVar(&f.allow, "allow-socket", nil, "what the guest's sockets may do: tcp://HOST:PORT to connect to, udp://HOST:PORT to exchange datagrams with, tcp-listen://ADDRESS:PORT and udp-listen://ADDRESS:PORT to be reached at; HOST is a name, *.NAME, an address, a network such as 10.0.0.0/8, or *, PORT may be *, and * alone is everything; repeat for more")
	fl.IntVar(&f.max, "max-sockets", sockets.DefaultMaxSockets, "sockets that one instance has at once")
}

// wasiOption takes a -S option, and says whether it is one for sockets.
func (f *socketFlags) wasiOption(name string, on bool) bool {
	switch name {
	case "inherit-network":
		f.inherit = on
	case "allow-ip-name-lookup":
		f.lookup = on
	case "tcp":
		f.noTCP = !on
	case "udp":
		f.noUDP = !on
	default:
		return false
	}
	return true
}

// network makes what the guest sees of the flags; nil is nothing.
func (f *socketFlags) network(blockPrivate bool) (*sockets.Network, error) {
	if f.max <= 0 {
		return nil, usagef("--max-sockets %d: it is 1 at least", f.max)
	}
	patterns := f.allow
	if f.inherit {
		patterns = append([]string{"*"}, patterns...)
	}
	if len(patterns) == 0 && !f.lookup {
		return nil, nil
	}
	policy, err := sockets.ParsePolicy(patterns)
	if err != nil {
		return nil, usagef("%w", err)
	}
	if f.noTCP {
		policy = sockets.WithoutTCP(policy)
	}
	if f.noUDP {
		policy = sockets.WithoutUDP(policy)
	}
	policy.BlockPrivate = blockPrivate
	return &sockets.Network{Policy: policy, LookupNames: f.lookup, MaxSockets: f.max}, nil
}
