// Package config implements wasi:config: settings that the operator gives a
// component, from the command line, files and the environment.
//
// It implements wasi:config@0.2.0-rc.1. It may import bindings and engine
// packages, and must not import package host or another subject.
package config

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiconfig"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// Limits on Settings. All of them are copied into a guest that asks for all.
const (
	MaxKey      = 1 << 10
	MaxValue    = 64 << 10
	MaxSettings = 10_000
	MaxTotal    = 1 << 20 // bytes of keys and values
)

// Setting is a key and its value.
type Setting struct{ Key, Value string }

// Settings are what a component is configured with. They never change and are
// safe for concurrent use. Nil has no settings.
type Settings struct {
	byKey map[string]string
	all   []abi.Tuple2[string, string] // by key
}

// New makes Settings of lists; of two settings with one key the later counts.
func New(lists ...[]Setting) (*Settings, error) {
	s := &Settings{byKey: map[string]string{}}
	for _, list := range lists {
		for _, x := range list {
			if err := x.check(); err != nil {
				return nil, err
			}
			s.byKey[x.Key] = x.Value
		}
	}
	total := 0
	for k, v := range s.byKey {
		total += len(k) + len(v)
		s.all = append(s.all, abi.Tuple2[string, string]{F0: k, F1: v})
	}
	if len(s.all) > MaxSettings {
		return nil, fmt.Errorf("%d settings are more than the limit of %d", len(s.all), MaxSettings)
	}
	if total > MaxTotal {
		return nil, fmt.Errorf("the settings have %d bytes, more than the limit of %d", total, MaxTotal)
	}
	sort.Slice(s.all, func(i, j int) bool { return s.all[i].F0 < s.all[j].F0 })
	return s, nil
}

func (x *Setting) check() error {
	switch {
	case x.Key == "":
		return fmt.Errorf("a setting with the value %.40q has an empty key", x.Value)
	case len(x.Key) > MaxKey:
		return fmt.Errorf("setting %.40q…: the key has %d bytes, more than the limit of %d", x.Key, len(x.Key), MaxKey)
	case len(x.Value) > MaxValue:
		return fmt.Errorf("setting %q: the value has %d bytes, more than the limit of %d", x.Key, len(x.Value), MaxValue)
	case !utf8.ValidString(x.Key), !utf8.ValidString(x.Value):
		return fmt.Errorf("setting %q: the key or the value is not text in UTF-8", x.Key)
	}
	return nil
}

// FromEnvironment makes settings of the variables, NAME=VALUE, whose name begins
// with prefix. What follows it, in lower case and with a dot for each __, is the
// key: with the prefix APP_, APP_LOG_LEVEL is log_level, and APP_DB__URL is db.url.
func FromEnvironment(prefix string, environ []string) []Setting {
	var list []Setting
	for _, kv := range environ {
		name, value, ok := strings.Cut(kv, "=")
		if rest, mine := strings.CutPrefix(name, prefix); ok && mine && rest != "" {
			list = append(list, Setting{Key: strings.ReplaceAll(strings.ToLower(rest), "__", "."), Value: value})
		}
	}
	return list
}

// Link defines wasi:config in l; settings picks those of the calling instance.
func Link(l *engine.Linker, settings func(cx *abi.Context) *Settings) error {
	return wasiconfig.LinkStore(l, func(cx *abi.Context) wasiconfig.StoreHost { return settings(cx) })
}

// Get implements wasiconfig.StoreHost.
func (s *Settings) Get(_ context.Context, key string) (abi.Option[string], error) {
	if s == nil {
		return abi.None[string](), nil
	}
	v, ok := s.byKey[key]
	return abi.Option[string]{Some: ok, Value: v}, nil
}

// GetAll implements wasiconfig.StoreHost.
func (s *Settings) GetAll(context.Context) ([]abi.Tuple2[string, string], error) {
	if s == nil {
		return nil, nil
	}
	return s.all, nil
}
