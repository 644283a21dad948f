package sockets

import (
	"context"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
)

func TestEverythingIsRefusedWithAccessDenied(t *testing.T) {
	ctx := context.Background()
	n, err := Refuse{}.InstanceNetwork(ctx)
	if n == nil || err != nil {
		t.Fatal(n, err)
	}
	for name, f := range map[string]func() error{
		"tcp":    func() error { _, err := Refuse{}.CreateTCPSocket(ctx, wasisockets.IPAddressFamilyIPv4); return err },
		"udp":    func() error { _, err := Refuse{}.CreateUDPSocket(ctx, wasisockets.IPAddressFamilyIPv6); return err },
		"lookup": func() error { _, err := Refuse{}.ResolveAddresses(ctx, n, "localhost"); return err },
	} {
		if err := f(); err != error(wasisockets.ErrorCodeAccessDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
