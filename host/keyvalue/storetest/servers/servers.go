// Package servers starts what key-value backends are tested against: Redis,
// where the program redis-server is installed, and NATS, in this process. A proxy
// in front of them makes them fail.
//
// It may import nothing of this module. Only tests import it.
package servers

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// freePort is a port that nobody listens on, for now.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// RedisConfig says how to start Redis.
type RedisConfig struct {
	// Args are for the program, as it has them in its configuration file:
	// "--notify-keyspace-events", "KA".
	Args []string
	// Cert, Key and CA are files for TLS; without them there is none.
	Cert, Key, CA string
}

// Redis starts redis-server and returns its HOST:PORT. It ends with the test. The
// test is skipped if it is not installed.
func Redis(t testing.TB, c RedisConfig) string {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed: nothing of Redis is tested here (Debian: apt-get install redis-server)")
	}
	for try := 0; ; try++ {
		addr, err := startRedis(t, program, c)
		if err == nil {
			return addr
		}
		if try == 3 {
			t.Fatal(err)
		}
	}
}

func startRedis(t testing.TB, program string, c RedisConfig) (addr string, err error) {
	dir, err := os.MkdirTemp("", "redis") // a short path
	if err != nil {
		return "", err
	}
	port := strconv.Itoa(freePort(t))
	args := []string{"--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no"}
	if c.Cert == "" {
		args = append(args, "--port", port)
	} else {
		args = append(args, "--port", "0", "--tls-port", port, "--tls-cert-file", c.Cert, "--tls-key-file", c.Key,
			"--tls-ca-cert-file", c.CA, "--tls-auth-clients", "no")
	}
	var out bytes.Buffer
	cmd := exec.Command(program, append(args, c.Args...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	stop := func() {
		_ = cmd.Process.Kill()
		<-ended
		_ = os.RemoveAll(dir)
	}
	addr = net.JoinHostPort("127.0.0.1", port)
	if !listens(addr, ended) {
		stop()
		return "", fmt.Errorf("redis-server does not listen on %s:\n%s", addr, out.String())
	}
	t.Cleanup(stop)
	return addr, nil
}

// listens waits until somebody accepts connections on addr, unless the program
// ends.
func listens(addr string, ended <-chan struct{}) bool {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	return false
}

// RedisCluster starts a cluster of three nodes and returns the address of one.
func RedisCluster(t testing.TB) string {
	t.Helper()
	var nodes []string
	for i := range 3 {
		addr := Redis(t, RedisConfig{Args: []string{"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
			"--cluster-node-timeout", "5000"}})
		first, last := 16384*i/3, 16384*(i+1)/3-1
		redisCommand(t, addr, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(last))
		redisCommand(t, addr, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		if i > 0 {
			host, port, _ := net.SplitHostPort(nodes[0])
			redisCommand(t, addr, "CLUSTER", "MEET", host, port)
		}
		nodes = append(nodes, addr)
	}
	for _, addr := range nodes {
		end := time.Now().Add(60 * time.Second)
		for {
			info := redisCommand(t, addr, "CLUSTER", "INFO")
			if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3") {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("the cluster is not ready: %s", info)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nodes[0]
}

// redisCommand sends one command and returns the reply, as it comes.
func redisCommand(t testing.TB, addr string, args ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(c, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(c, "$%d\r\n%s\r\n", len(a), a)
	}
	b := make([]byte, 4096)
	n, err := c.Read(b)
	if err != nil && n == 0 {
		t.Fatal(errors.Join(fmt.Errorf("%s: %q", addr, args), err))
	}
	if b[0] == '-' {
		t.Fatalf("%s: %q: %s", addr, args, b[:n])
	}
	return string(b[:n])
}

// WriteFile writes a file into a new directory and returns its path.
func WriteFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
