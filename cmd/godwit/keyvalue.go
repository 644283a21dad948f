package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/godwit-runtime/godwit/host/config"
	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/godwit-runtime/godwit/host/keyvalue/bolt"
	"github.com/godwit-runtime/godwit/host/keyvalue/memory"
	"github.com/godwit-runtime/godwit/host/keyvalue/nats"
	"github.com/godwit-runtime/godwit/host/keyvalue/redis"
	"github.com/spf13/cobra"
)

// dataFlags say what stores and settings a guest has.
type dataFlags struct {
	keyvalue  []string
	app       string
	maxValue  string
	config    []string
	configEnv []string
}

func (f *dataFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringArrayVar(&f.keyvalue, "keyvalue", nil, `key-value store NAME=LOCATION that the guest may open; repeat for more. Guests open the name "default" where they are not told another. Locations are bolt:FILE and memory:, both with ?max-size=SIZE where another bound is wanted, redis://HOST:PORT/DATABASE (rediss:// for TLS, ?cluster=true for a cluster), and nats://HOST:PORT/BUCKET (nats+tls:// for TLS)`)
	fl.StringVar(&f.app, "app", "", "name of the application, to which its data in key-value stores belongs (default: the file's name without its extension)")
	fl.StringVar(&f.maxValue, "keyvalue-max-value", "", "longest value in a key-value store, in bytes or with K, M or G (default 1020K)")
	fl.StringArrayVar(&f.config, "config", nil, "setting KEY=VALUE for the guest, or @FILE with settings in TOML, JSON or .env; repeat for more")
	fl.StringArrayVar(&f.configEnv, "config-env-prefix", nil, "take settings from environment variables that begin so: with APP_, APP_LOG_LEVEL becomes log_level and APP_DB__URL becomes db.url")
}

// settings makes the guest's settings. What is said in so many words counts most,
// then the environment, then files; of two that are alike, the later.
func (f *dataFlags) settings() (*config.Settings, error) {
	var files, environment, words []config.Setting
	for _, s := range f.config {
		if path, ok := strings.CutPrefix(s, "@"); ok {
			list, err := config.ReadFile(path)
			if err != nil {
				return nil, usagef("--config @%s: %w", path, err)
			}
			files = append(files, list...)
			continue
		}
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, usagef("--config %q: it is KEY=VALUE or @FILE", s)
		}
		words = append(words, config.Setting{Key: key, Value: value})
	}
	for _, prefix := range f.configEnv {
		if prefix == "" {
			return nil, usagef(`--config-env-prefix "": the whole environment is not for the guest; the prefix is something like APP_`)
		}
		environment = append(environment, config.FromEnvironment(prefix, os.Environ())...)
	}
	s, err := config.New(files, environment, words)
	if err != nil {
		return nil, usagef("--config: %w", err)
	}
	return s, nil
}

// stores are the key-value stores of a command. They are to be closed.
type stores struct {
	buckets map[string]keyvalue.Bucket
	open    map[string]keyvalue.Store // by location: two names may have one
}

func (s *stores) close() error {
	var err error
	for _, store := range s.open {
		err = errors.Join(err, store.Close())
	}
	return err
}

// openStores opens the stores for the component in a file.
func (f *dataFlags) openStores(component string) (_ *stores, err error) {
	app := f.app
	if app == "" {
		app = appName(component)
	}
	if err := keyvalue.CheckName(app); err != nil {
		return nil, usagef("--app: %w", err)
	}
	s := &stores{buckets: map[string]keyvalue.Bucket{}, open: map[string]keyvalue.Store{}}
	defer func() {
		if err != nil {
			_ = s.close()
		}
	}()
	for _, text := range f.keyvalue {
		spec, err := parseStore(text)
		if err != nil {
			return nil, usagef("--keyvalue %s: %w", redact(text), err)
		}
		if _, twice := s.buckets[spec.name]; twice {
			return nil, usagef("--keyvalue %s: the name %q is there twice", redact(text), spec.name)
		}
		store := s.open[spec.location]
		if store == nil {
			if store, err = spec.open(); err != nil {
				return nil, failed(fmt.Errorf("--keyvalue %s: %w", redact(text), err))
			}
			s.open[spec.location] = store
		}
		if s.buckets[spec.name], err = store.Bucket(app, spec.name); err != nil {
			return nil, usagef("--keyvalue %s: %w", redact(text), err)
		}
	}
	return s, nil
}

// appName makes the name of an application out of the path of its component.
func appName(path string) string {
	name := filepath.Base(path)
	name = strings.TrimSuffix(name, filepath.Ext(name))
	name = strings.Map(func(r rune) rune {
		if r < 0x80 && keyvalue.CheckName("a"+string(r)) == nil {
			return r
		}
		return '-'
	}, name)
	if name = strings.TrimLeft(name, "._-"); name == "" {
		return "app"
	}
	return name[:min(len(name), keyvalue.MaxName)]
}

// storeSpec is what --keyvalue says.
type storeSpec struct {
	name     string
	location string // kind:place?options
	kind     string
	place    string // of a file; URLs are whole in location
	maxSize  int64
}

// parseStore reads NAME=LOCATION.
func parseStore(s string) (spec storeSpec, err error) {
	name, location, ok := strings.Cut(s, "=")
	if !ok {
		return spec, errors.New("it is NAME=LOCATION, such as default=bolt:./data.db")
	}
	if err := keyvalue.CheckName(name); err != nil {
		return spec, fmt.Errorf("%w; it is NAME=LOCATION, such as default=bolt:./data.db", err)
	}
	spec = storeSpec{name: name, location: location}
	spec.kind, spec.place, ok = strings.Cut(location, ":")
	if !ok {
		return spec, fmt.Errorf("%q has no kind; a file is bolt:%s", location, location)
	}
	switch spec.kind {
	case "bolt", "memory":
		return spec, spec.fileOptions()
	case "redis", "rediss", "nats", "nats+tls":
		return spec, nil // their packages read the URL
	}
	return spec, fmt.Errorf("%q is not a kind of store; there are bolt:FILE, memory:, redis://, rediss://, nats:// and nats+tls://", spec.kind)
}

// fileOptions takes the options off the place of a file, or of memory.
func (s *storeSpec) fileOptions() error {
	place, query, _ := strings.Cut(s.place, "?")
	s.place = place
	options, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("the options after ? are not of the form name=value&name=value: %w", err)
	}
	for name, values := range options {
		if name != "max-size" {
			return fmt.Errorf("%s is not an option of a %s store; there is max-size", name, s.kind)
		}
		n, err := parseSize(values[len(values)-1])
		if err != nil || n == 0 || n > 1<<50 {
			return fmt.Errorf("max-size=%s is not a number of bytes, or one with K, M or G", values[len(values)-1])
		}
		s.maxSize = int64(n)
	}
	switch {
	case s.kind == "bolt" && place == "":
		return errors.New("no file; it is bolt:FILE")
	case s.kind == "memory" && place != "":
		return fmt.Errorf("memory has no %q; it is memory:", place)
	}
	return nil
}

func (s *storeSpec) open() (keyvalue.Store, error) {
	switch s.kind {
	case "memory":
		return memory.New(memory.Config{MaxBytes: s.maxSize}), nil
	case "redis", "rediss":
		return redis.Open(redis.Config{URL: s.location})
	case "nats", "nats+tls":
		return nats.Open(nats.Config{URL: s.location})
	}
	return bolt.Open(bolt.Config{Path: s.place, MaxSize: s.maxSize})
}

// redact leaves the password out of what may be a URL.
func redact(s string) string {
	before, rest, ok := strings.Cut(s, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if !ok || at < 0 {
		return s
	}
	return before + "://***" + rest[at:]
}
