package servers

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// NATSConfig says how to start NATS.
type NATSConfig struct {
	User, Password string
	MaxPayload     int32 // 0 is the server's default
}

// NATS starts a NATS server with JetStream in this process and returns its
// HOST:PORT. It ends with the test.
func NATS(t testing.TB, c NATSConfig) string {
	t.Helper()
	s := startNATS(t, &server.Options{Username: c.User, Password: c.Password, MaxPayload: c.MaxPayload})
	return s.Addr().String()
}

func startNATS(t testing.TB, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.Port = "127.0.0.1", server.RANDOM_PORT
	o.JetStream, o.StoreDir = true, t.TempDir()
	o.NoLog, o.NoSigs = true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the NATS server does not get ready")
	}
	return s
}

// NATSCluster starts a cluster of three servers and returns the address of one.
func NATSCluster(t testing.TB) string {
	t.Helper()
	var routes []*url.URL
	ports := []int{freePort(t), freePort(t), freePort(t)}
	for _, p := range ports {
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", p)})
	}
	var all []*server.Server
	for i, p := range ports {
		all = append(all, startNATS(t, &server.Options{
			ServerName: fmt.Sprintf("n%d", i), Routes: routes,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: p},
		}))
	}
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		for _, s := range all {
			if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == 3 {
				return all[0].Addr().String()
			}
		}
		if time.Now().After(end) {
			t.Fatal("the NATS cluster has no leader")
		}
	}
}
