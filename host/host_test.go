package host

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine/abi"
)

func TestLookup(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"wasi:io/streams@0.2.0", "served"},
		{"wasi:http/types@0.2.99", "served"},
		{"wasi:http/outgoing-handler@0.2.3", "served under --allow-outbound (requests are denied without it)"},
		{"wasi:cli/environment@0.2.6", "served under --env (empty without it)"},
		{"wasi:filesystem/preopens@0.2.1", "served under --dir (no directories without it)"},
		{"wasi:sockets/tcp@0.2.0", "served under --allow-socket (sockets are denied without it)"},
		{"wasi:http/types@0.3.0", "not provided (this host serves wasi:http/types of the 0.2 line only)"},
		{"wasi:io/streams@0.2.0-rc-2023-11-10", "not provided (this host serves wasi:io/streams of the 0.2 line only)"},
		{"wasi:io/streams", "not provided (this host serves wasi:io/streams of the 0.2 line only)"},
		{"wasi:keyvalue/store@0.2.0-draft", "served under --keyvalue (opening a store is denied without it)"},
		{"wasi:keyvalue/atomics@0.2.0-draft2", "served under --keyvalue (opening a store is denied without it)"},
		{"wasi:keyvalue/store@0.2.0", "not provided (this host serves store, atomics and batch of wasi:keyvalue@0.2.0-draft and @0.2.0-draft2)"},
		{"wasi:config/store@0.2.0-rc.1", "served under --config (empty without it)"},
		{"wasi:config/store@0.2.0-draft", "not provided (this host serves wasi:config/store@0.2.0-rc.1)"},
		{"wasi:nn/tensor@0.2.0", "not provided (not an interface that godwit implements)"},
		{"acme:api/x", "not provided (not a WASI interface; link it with your own host, or compose the component with one that exports it)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Lookup(c.name).String(); got != c.want {
				t.Fatal(got)
			}
		})
	}
	if h := Hint("wasi:http/outgoing-handler@0.2.0"); h != "pass --allow-outbound" {
		t.Fatal(h)
	}
}

func TestDenialNamesTheFlagInTheLog(t *testing.T) {
	var log bytes.Buffer
	ctx := context.Background()
	s := Config{Log: slog.New(slog.NewTextHandler(&log, nil))}.NewState(ctx)
	defer s.Close()
	f, _ := s.HTTP.NewFields(ctx)
	q, _ := s.HTTP.NewOutgoingRequest(ctx, f)
	_ = q.SetAuthority(ctx, abi.Some("example.com"))
	_, err := s.HTTP.Handle(ctx, q, abi.None[wasihttp.RequestOptions]())
	if code, ok := err.(wasihttp.ErrorCode); !ok || code.Tag != wasihttp.ErrorCodeHTTPRequestDenied {
		t.Fatal(err)
	}
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "--allow-outbound https://example.com:443") {
		t.Fatal(log.String())
	}
}
