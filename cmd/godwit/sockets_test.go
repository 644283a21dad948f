package main

import (
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/host/sockets"
	"github.com/spf13/cobra"
)

func TestFlagsOfSockets(t *testing.T) {
	for _, c := range []struct {
		name, args string
		want       string // "" nothing is granted
		err        string
	}{
		{"none", "", "", ""},
		{"a wasmtime user's", "-S inherit-network,allow-ip-name-lookup", "tcp udp lookup", ""},
		{"all but TCP", "-S inherit-network -S tcp=n", "udp", ""},
		{"all but UDP", "-S inherit-network,udp=n", "tcp", ""},
		{"tcp and udp alone grant no address", "-S tcp,udp", "", ""},
		{"names only", "-S allow-ip-name-lookup", "lookup", ""},
		{"patterns", "--allow-socket tcp://db:5432 --allow-socket udp-listen://*:53 --block-private", "tcp udp private", ""},
		{"a wrong pattern", "--allow-socket db:5432", "", "--allow-socket db:5432: not of the form scheme://host:port"},
		{"an unknown option", "-S sockets", "", "-S sockets: not an option of godwit"},
		{"no sockets", "--max-sockets 0", "", "--max-sockets 0: it is 1 at least"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f grantFlags
			cmd := &cobra.Command{}
			f.add(cmd)
			if err := cmd.ParseFlags(strings.Fields(c.args)); err != nil {
				t.Fatal(err)
			}
			cfg, err := f.config()
			if c.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), c.err) {
					t.Fatalf("%v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := granted(cfg.Network); got != c.want {
				t.Fatalf("%q is granted, want %q", got, c.want)
			}
		})
	}
}

// granted is what a network has, in words.
func granted(n *sockets.Network) string {
	if n == nil {
		return ""
	}
	var words []string
	for word, without := range map[string]*sockets.Network{
		"tcp": {Policy: sockets.WithoutUDP(n.Policy)},
		"udp": {Policy: sockets.WithoutTCP(n.Policy)},
	} {
		if !without.Policy.IsEmpty() {
			words = append(words, word)
		}
	}
	if len(words) == 2 {
		words = []string{"tcp", "udp"}
	}
	if n.LookupNames {
		words = append(words, "lookup")
	}
	if n.Policy.BlockPrivate {
		words = append(words, "private")
	}
	return strings.Join(words, " ")
}
