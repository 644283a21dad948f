// Package nats keeps key-value stores in a key-value bucket of NATS JetStream.
//
// Several namespaces share a bucket of JetStream: a key is
// NAMESPACE.NAME.KEY there (key.go), so that the tools of NATS can read it.
// Whatever must be atomic compares revisions.
//
// What is acknowledged is as safe as the server makes it: on replicas if the bucket
// has them, and on the disk by the server's sync_interval.
//
// What an operation reads comes from the leader of the stream where it has
// replicas, since those may be behind: what was written is read.
//
// It may import host/keyvalue and nats.go, and nothing else of this module.
package nats

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/maphash"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The defaults of Config.
const (
	DefaultTimeout = 3 * time.Second
	DefaultBucket  = "godwit"
)

// Config configures a Store.
type Config struct {
	// URL is nats://USER:PASSWORD@HOST:PORT/BUCKET, or nats+tls:// to insist on TLS.
	// The bucket is made if it is not there. After a ? it may have creds=FILE,
	// ca=FILE (certificates to trust instead of the system's),
	// timeout=DURATION, and for a bucket that is made replicas=N and
	// max-size=BYTES.
	URL string
	// Timeout bounds each operation; 0 is that of the URL, or DefaultTimeout.
	Timeout time.Duration
}

// location is a Config, taken apart.
type location struct {
	server   string // URL, with a password
	host     string
	bucket   string
	creds    string
	ca       string
	tls      bool
	timeout  time.Duration
	replicas int
	maxSize  int64
}

var bucketName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// parse takes c apart. No error has a password in it.
func parse(c Config) (l location, err error) {
	u, err := url.Parse(c.URL)
	var inner *url.Error
	if errors.As(err, &inner) {
		return l, inner.Err
	}
	if err != nil {
		return l, err
	}
	if u.Scheme != "nats" && u.Scheme != "nats+tls" || u.Host == "" {
		return l, errors.New("it is nats://HOST:PORT/BUCKET, or nats+tls:// to insist on TLS")
	}
	l = location{tls: u.Scheme == "nats+tls", bucket: strings.Trim(u.Path, "/"), replicas: 1, maxSize: -1, timeout: c.Timeout}
	if l.bucket == "" {
		l.bucket = DefaultBucket
	}
	if !bucketName.MatchString(l.bucket) {
		return l, fmt.Errorf("bucket %q: it has letters, digits, - and _", l.bucket)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return l, err
	}
	for name, values := range query {
		if err := l.option(name, values[len(values)-1]); err != nil {
			return l, err
		}
	}
	if l.timeout <= 0 {
		l.timeout = DefaultTimeout
	}
	l.host = u.Host
	l.server = (&url.URL{Scheme: "nats", User: u.User, Host: u.Host}).String()
	return l, nil
}

func (l *location) option(name, value string) (err error) {
	switch name {
	case "creds":
		l.creds = value
		_, err = os.Stat(value)
	case "ca":
		l.ca = value
		_, err = os.Stat(value)
	case "timeout":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return fmt.Errorf("timeout=%s is not a duration such as 3s", value)
		}
		if l.timeout <= 0 {
			l.timeout = d
		}
	case "replicas":
		if l.replicas, err = strconv.Atoi(value); err != nil || l.replicas < 1 || l.replicas > 5 {
			return fmt.Errorf("replicas=%s is not a number from 1 to 5", value)
		}
	case "max-size":
		if l.maxSize, err = strconv.ParseInt(value, 10, 64); err != nil || l.maxSize <= 0 {
			return fmt.Errorf("max-size=%s is not a number of bytes", value)
		}
	default:
		return fmt.Errorf("%s is not an option; there are creds, ca, timeout, replicas and max-size", name)
	}
	return err
}

// Store is a key-value store on NATS.
type Store struct {
	location
	conn *nats.Conn
	js   jetstream.JetStream
	lost atomic.Pointer[error] // why there was no connection the last time

	opening chan struct{} // held by whoever looks for the stream
	mu      sync.Mutex
	found   *stream // nil before it was found

	seed maphash.Seed
	keys [256]chan struct{} // see lock
}

// stream is the stream that a bucket of JetStream is.
type stream struct {
	jetstream.Stream
	name   string
	direct bool // any of its servers may be asked
	marks  bool // markers of deleted keys go away by themselves
}

// Open makes a Store and begins to connect. It is not an error if the server is
// not there: operations are, until it is.
func Open(c Config) (*Store, error) {
	l, err := parse(c)
	if err != nil {
		return nil, err
	}
	s := &Store{location: l, opening: make(chan struct{}, 1), seed: maphash.MakeSeed()}
	for i := range s.keys {
		s.keys[i] = make(chan struct{}, 1)
	}
	options := []nats.Option{
		nats.Name("godwit"),
		nats.Timeout(l.timeout),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(200 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		nats.IgnoreAuthErrorAbort(), // passwords are changed on both sides, one after the other
		nats.PingInterval(10 * time.Second),
		// What is written while there is no connection is an error, not something
		// that is sent much later.
		nats.ReconnectBufSize(-1),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { s.lost.Store(&err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { s.lost.Store(&err) }),
		// Else it is written on the error output of the process.
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}
	if l.creds != "" {
		options = append(options, nats.UserCredentials(l.creds))
	}
	if l.ca != "" {
		options = append(options, nats.RootCAs(l.ca))
	}
	if l.tls {
		options = append(options, nats.Secure(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	if s.conn, err = nats.Connect(l.server, options...); err != nil {
		return nil, err
	}
	if s.js, err = jetstream.New(s.conn, jetstream.WithPublishAsyncTimeout(l.timeout)); err != nil {
		s.conn.Close()
		return nil, err
	}
	return s, nil
}

// Close implements keyvalue.Store.
func (s *Store) Close() error {
	s.conn.Close()
	return nil
}

// stream finds the stream, or makes it.
func (s *Store) stream(ctx context.Context) (*stream, error) {
	s.mu.Lock()
	found := s.found
	s.mu.Unlock()
	if found != nil {
		return found, nil
	}
	select {
	case s.opening <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.opening }()
	s.mu.Lock()
	found = s.found
	s.mu.Unlock()
	if found != nil {
		return found, nil
	}
	name := "KV_" + s.bucket
	st, err := s.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if err = s.create(ctx); err == nil || errors.Is(err, jetstream.ErrBucketExists) { // another process was quicker
			st, err = s.js.Stream(ctx, name)
		}
	}
	if err != nil {
		return nil, s.explain(err)
	}
	c := st.CachedInfo().Config
	if c.MaxMsgsPerSubject < 1 || len(c.Subjects) != 1 || c.Subjects[0] != "$KV."+s.bucket+".>" {
		return nil, fmt.Errorf("the stream %s is not a key-value bucket of its name", name)
	}
	found = &stream{Stream: st, name: name, direct: c.AllowDirect && c.Replicas == 1, marks: c.AllowMsgTTL}
	s.mu.Lock()
	s.found = found
	s.mu.Unlock()
	return found, nil
}

// markTTL is how long the marker of a deleted key stays.
const markTTL = time.Hour

func (s *Store) create(ctx context.Context) error {
	c := jetstream.KeyValueConfig{
		Bucket: s.bucket, Description: "key-value stores of godwit", History: 1,
		Replicas: s.replicas, MaxBytes: s.maxSize, LimitMarkerTTL: markTTL,
	}
	_, err := s.js.CreateKeyValue(ctx, c)
	if errors.Is(err, jetstream.ErrLimitMarkerTTLNotSupported) { // before 2.11: markers stay
		c.LimitMarkerTTL = 0
		_, err = s.js.CreateKeyValue(ctx, c)
	}
	return err
}

// forget makes the next operation look for the stream again: it is gone.
func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = nil
}

// Bucket implements keyvalue.Store.
func (s *Store) Bucket(namespace, name string) (keyvalue.Bucket, error) {
	for _, n := range []string{namespace, name} {
		if err := keyvalue.CheckName(n); err != nil {
			return nil, err
		}
	}
	prefix := encode(namespace) + "." + encode(name) + "."
	return &bucket{store: s, prefix: prefix, subject: "$KV." + s.bucket + "." + prefix}, nil
}

// lock keeps operations of this process that read and then write one key from
// doing so at the same time: all but one would have to begin again. Between
// processes revisions do.
func (s *Store) lock(ctx context.Context, subject string) (unlock func(), err error) {
	c := s.keys[maphash.String(s.seed, subject)%uint64(len(s.keys))]
	select {
	case c <- struct{}{}:
		return func() { <-c }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// explain makes of err what the caller of a Bucket gets.
func (s *Store) explain(err error) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrMaxPayload):
		return &keyvalue.LimitError{What: "value, with what goes with it,", Unit: "bytes", Got: s.conn.MaxPayload() + 1, Limit: s.conn.MaxPayload(),
			Fix: "split it, or raise max_payload of the NATS server"}
	case errors.Is(err, nats.ErrConnectionClosed):
		return keyvalue.ErrClosed
	case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrDisconnected), errors.Is(err, nats.ErrConnectionReconnecting):
		if lost := s.lost.Load(); lost != nil && *lost != nil {
			err = *lost
		}
		return fmt.Errorf("there is no connection to the NATS server %s: %w", s.host, err)
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse):
		s.forget()
	case errors.As(err, &api) && (api.ErrorCode == errMaxBytes || api.ErrorCode == errStoreFull):
		return &keyvalue.LimitError{What: "bucket of JetStream", Unit: "bytes", Got: s.maxSize, Limit: s.maxSize, Fix: "delete keys, or let it have more"}
	}
	return err
}

// Errors of JetStream that jetstream has no name for.
const (
	errMaxBytes  jetstream.ErrorCode = 10047 // insufficient storage resources available
	errStoreFull jetstream.ErrorCode = 10077 // maximum bytes exceeded
)
