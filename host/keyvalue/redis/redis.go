// Package redis keeps key-value stores in Redis or Valkey, on one server or a
// cluster, with or without TLS.
//
// A key is a string of Redis with the name godwit:NAMESPACE:NAME:KEY. Whatever
// must be atomic is so on the server. An operation that must not be made twice,
// an increment or a swap, is not tried again when the connection breaks in the
// middle of it: it is an error, and may have had its effect.
//
// What is acknowledged is as safe as the server's persistence makes it. After a
// failover a replica may lack the last writes.
//
// It may import host/keyvalue and go-redis, and nothing else of this module.
package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// DefaultTimeout is the default of Config.Timeout.
const DefaultTimeout = 3 * time.Second

// Config configures a Store.
type Config struct {
	// URL is redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss:// for TLS. After
	// a ? it may have ca=FILE (certificates to trust instead of the system's),
	// cluster=true, timeout=DURATION, and what go-redis knows, such as pool_size.
	URL string
	// Timeout bounds each operation; 0 is that of the URL, or DefaultTimeout.
	Timeout time.Duration
}

// Store is a key-value store on a Redis server or cluster.
type Store struct {
	client  redis.UniversalClient
	cluster *redis.ClusterClient // or nil
	db      int
	timeout time.Duration
}

// quiet keeps go-redis from writing on the error output of the process: what it
// has to say comes back as errors of operations.
var quiet = sync.OnceFunc(logging.Disable)

// Open makes a Store. It does not connect: the first operation does.
func Open(c Config) (*Store, error) {
	quiet()
	s, err := open(c)
	var u *url.Error
	switch {
	case errors.As(err, &u): // has the URL, and with it the password
		return nil, u.Err
	case err != nil:
		return nil, err
	}
	return s, nil
}

func open(c Config) (*Store, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "redis" && u.Scheme != "rediss" || u.Host == "" {
		return nil, errors.New("it is redis://HOST:PORT/DATABASE, or rediss:// for TLS")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, err
	}
	take := func(name string) string {
		v := query.Get(name)
		query.Del(name)
		return v
	}
	ca, clustered, timeout := take("ca"), take("cluster"), take("timeout")
	u.RawQuery = query.Encode()
	s := &Store{timeout: c.Timeout}
	if s.timeout <= 0 && timeout != "" {
		if s.timeout, err = time.ParseDuration(timeout); err != nil || s.timeout <= 0 {
			return nil, fmt.Errorf("timeout=%s is not a duration such as 3s", timeout)
		}
	}
	if s.timeout <= 0 {
		s.timeout = DefaultTimeout
	}
	roots, err := readRoots(ca, u.Scheme)
	if err != nil {
		return nil, err
	}
	switch clustered {
	case "", "false":
		return s, s.single(u.String(), roots)
	case "true":
		return s, s.inCluster(u, roots)
	}
	return nil, fmt.Errorf("cluster=%s is neither true nor false", clustered)
}

// readRoots reads the certificates to trust; nil are the system's.
func readRoots(file, scheme string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	if scheme != "rediss" {
		return nil, errors.New("ca= is of use with rediss:// only")
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificates in PEM form", file)
	}
	return roots, nil
}

func trust(c *tls.Config, roots *x509.CertPool) {
	if c != nil && roots != nil {
		c.RootCAs = roots
	}
}

func (s *Store) single(address string, roots *x509.CertPool) error {
	o, err := redis.ParseURL(address)
	if err != nil {
		return err
	}
	trust(o.TLSConfig, roots)
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = s.timeout, s.timeout, s.timeout, s.timeout
	o.ContextTimeoutEnabled = true
	o.DialerRetries = 1
	o.MaxRetries = 1 // a connection that went stale while it was idle is no error
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	s.client, s.db = redis.NewClient(o), o.DB
	return nil
}

func (s *Store) inCluster(u *url.URL, roots *x509.CertPool) error {
	if u.Path != "" && u.Path != "/" && u.Path != "/0" {
		return errors.New("a cluster has the database 0 alone")
	}
	o, err := redis.ParseClusterURL(u.String())
	if err != nil {
		return err
	}
	trust(o.TLSConfig, roots)
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = s.timeout, s.timeout, s.timeout, s.timeout
	o.ContextTimeoutEnabled = true
	o.DialerRetries = 1
	o.MaxRedirects = 5
	o.ReadOnly, o.RouteByLatency, o.RouteRandomly = false, false, false // replicas may be behind
	// Every operation here has one key and goes where it is.
	o.DisableRoutingPolicies = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	s.cluster = redis.NewClusterClient(o)
	s.client = s.cluster
	return nil
}

// Bucket implements keyvalue.Store.
func (s *Store) Bucket(namespace, name string) (keyvalue.Bucket, error) {
	for _, n := range []string{namespace, name} {
		if err := keyvalue.CheckName(n); err != nil {
			return nil, err
		}
	}
	// Names have no colon, and nothing that a pattern takes for more than itself.
	return &bucket{store: s, prefix: "godwit:" + namespace + ":" + name + ":"}, nil
}

// Close implements keyvalue.Store.
func (s *Store) Close() error { return s.client.Close() }

// bucket implements keyvalue.Bucket and keyvalue.Watcher.
type bucket struct {
	store  *Store
	prefix string
}

// begin bounds an operation in time.
func (b *bucket) begin(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, b.store.timeout)
}

// value is a reply to GET.
func value(c *redis.StringCmd) (v keyvalue.Value, err error) {
	data, err := c.Bytes()
	if errors.Is(err, redis.Nil) {
		return v, nil
	}
	return keyvalue.Value{Found: err == nil, Data: data}, err
}

// Get implements keyvalue.Bucket.
func (b *bucket) Get(ctx context.Context, key string) (keyvalue.Value, error) {
	ctx, end := b.begin(ctx)
	defer end()
	return value(b.store.client.Get(ctx, b.prefix+key))
}

// Set implements keyvalue.Bucket.
func (b *bucket) Set(ctx context.Context, key string, value []byte) error {
	ctx, end := b.begin(ctx)
	defer end()
	return b.store.client.Set(ctx, b.prefix+key, value, 0).Err()
}

// Delete implements keyvalue.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error {
	ctx, end := b.begin(ctx)
	defer end()
	return b.store.client.Del(ctx, b.prefix+key).Err()
}

// Exists implements keyvalue.Bucket.
func (b *bucket) Exists(ctx context.Context, key string) (bool, error) {
	ctx, end := b.begin(ctx)
	defer end()
	n, err := b.store.client.Exists(ctx, b.prefix+key).Result()
	return n > 0, err
}

// SetMany implements keyvalue.Bucket.
func (b *bucket) SetMany(ctx context.Context, pairs []keyvalue.Pair) error {
	return b.pipeline(ctx, len(pairs), func(ctx context.Context, p redis.Pipeliner, i int) {
		p.Set(ctx, b.prefix+pairs[i].Key, pairs[i].Value, 0)
	})
}

// DeleteMany implements keyvalue.Bucket.
func (b *bucket) DeleteMany(ctx context.Context, keys []string) error {
	return b.pipeline(ctx, len(keys), func(ctx context.Context, p redis.Pipeliner, i int) {
		p.Del(ctx, b.prefix+keys[i])
	})
}

// pipeline sends n commands, of one key each, without waiting between them.
func (b *bucket) pipeline(ctx context.Context, n int, add func(ctx context.Context, p redis.Pipeliner, i int)) error {
	if n == 0 {
		return ctx.Err()
	}
	ctx, end := b.begin(ctx)
	defer end()
	p := b.store.client.Pipeline()
	for i := range n {
		add(ctx, p, i)
	}
	_, err := p.Exec(ctx)
	return err
}

// once is a command that must not be sent a second time when it is not known
// what became of the first.
type once struct{ redis.Cmder }

// NoRetry is asked by go-redis before it tries again.
func (once) NoRetry() bool { return true }

// Increment implements keyvalue.Bucket.
func (b *bucket) Increment(ctx context.Context, key string, delta int64) (int64, error) {
	ctx, end := b.begin(ctx)
	defer end()
	c := redis.NewIntCmd(ctx, "incrby", b.prefix+key, delta)
	err := b.store.client.Process(ctx, once{c})
	if err == nil {
		return c.Val(), nil
	}
	switch err.Error() {
	case "ERR value is not an integer or out of range":
		return 0, &keyvalue.NumberError{Key: key}
	case "ERR increment or decrement would overflow":
		return 0, &keyvalue.NumberError{Key: key, Overflow: true}
	}
	return 0, err
}

// Snapshot implements keyvalue.Bucket.
func (b *bucket) Snapshot(ctx context.Context, key string) (s keyvalue.Snapshot, err error) {
	s.Value, err = b.Get(ctx, key)
	return s, err
}

// script is a program that Redis runs, alone.
type script struct{ text, hash string }

func newScript(text string) script {
	return script{text: text, hash: redis.NewScript(text).Hash()}
}

var swap = newScript(`local v = redis.call('GET', KEYS[1])
if ARGV[1] == '1' then
  if v ~= ARGV[2] then return 0 end
elseif v then
  return 0
end
redis.call('SET', KEYS[1], ARGV[3])
return 1`)

// Swap implements keyvalue.Bucket. It compares values.
func (b *bucket) Swap(ctx context.Context, key string, old keyvalue.Snapshot, value []byte) (bool, error) {
	ctx, end := b.begin(ctx)
	defer end()
	found := "0"
	if old.Found {
		found = "1"
	}
	run := func(command, program string) (int64, error) {
		c := redis.NewIntCmd(ctx, command, program, "1", b.prefix+key, found, old.Data, value)
		err := b.store.client.Process(ctx, once{c})
		return c.Val(), err
	}
	n, err := run("evalsha", swap.hash)
	if redis.HasErrorPrefix(err, "NOSCRIPT") { // the server does not know it yet
		n, err = run("eval", swap.text)
	}
	return n == 1, err
}

// get is a GET of values that are not longer than they may be. Of others it
// returns the length.
const get = `local n = redis.call('STRLEN', KEYS[1])
if n > tonumber(ARGV[1]) then return n end
return redis.call('GET', KEYS[1])`

// GetMany implements keyvalue.Bucket. What comes back is never more than limit:
// first each value may have its share of that. The lengths of those that have
// more are known then, and decide whether they can be had as well.
func (b *bucket) GetMany(ctx context.Context, keys []string, limit int64) ([]keyvalue.Value, error) {
	values := make([]keyvalue.Value, len(keys))
	may := make([]int64, len(keys)) // bytes that a value may have
	ask := make([]int, len(keys))   // positions
	for i := range keys {
		ask[i], may[i] = i, limit/int64(len(keys))
	}
	const tries = 4 // values may grow while they are read
	for try := 0; len(ask) > 0; try++ {
		if try == tries {
			return nil, errors.New("values changed their length all the time while they were read; try again")
		}
		replies := make([]*redis.Cmd, len(ask))
		err := b.pipeline(ctx, len(ask), func(ctx context.Context, p redis.Pipeliner, i int) {
			replies[i] = p.Eval(ctx, get, []string{b.prefix + keys[ask[i]]}, may[ask[i]])
		})
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		again := ask[:0]
		total := int64(0)
		for i, r := range replies {
			k := ask[i]
			switch v, err := r.Result(); v := v.(type) {
			case string:
				values[k] = keyvalue.Value{Found: true, Data: []byte(v)}
			case int64:
				may[k] = v
				total += v
				again = append(again, k)
			default:
				if !errors.Is(err, redis.Nil) {
					return nil, fmt.Errorf("%v is not a value: %w", v, err)
				}
			}
		}
		for _, v := range values {
			total += int64(len(v.Data))
		}
		if total > limit {
			return nil, keyvalue.BatchError(total, limit)
		}
		ask = again
	}
	return values, ctx.Err()
}

// notifications says whether a server tells of changes.
func (b *bucket) notifications(ctx context.Context) error {
	ctx, end := b.begin(ctx)
	defer end()
	c, err := b.store.client.ConfigGet(ctx, "notify-keyspace-events").Result()
	if err != nil {
		return err
	}
	flags := map[rune]bool{}
	for _, f := range c["notify-keyspace-events"] {
		flags[f] = true
	}
	if flags['K'] && (flags['A'] || flags['g'] && flags['$']) {
		return nil
	}
	return fmt.Errorf("%w: notify-keyspace-events of the server is %q; set it to K$g in its configuration",
		keyvalue.ErrUnwatchable, c["notify-keyspace-events"])
}
