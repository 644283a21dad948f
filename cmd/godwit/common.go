package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/component"
	"github.com/godwit-runtime/godwit/engine/wat"
	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/cli"
	"github.com/godwit-runtime/godwit/host/filesystem"
	"github.com/godwit-runtime/godwit/host/http"
	"github.com/spf13/cobra"
)

// engineFlags choose how core code runs.
type engineFlags struct {
	kind, cacheDir, cacheSize string
	maxTotalMemory            string
	noCache                   bool
}

func (f *engineFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.kind, "engine", "auto", "how core code runs: auto, compiler or interpreter")
	c.Flags().StringVar(&f.cacheDir, "cache-dir", "", "directory for compiled code (default: godwit in the user's cache directory)")
	c.Flags().StringVar(&f.cacheSize, "cache-size", "1G", "what that directory may hold, in bytes or with K, M or G; what was not used for the longest time goes")
	c.Flags().StringVar(&f.maxTotalMemory, "max-total-memory", "", "linear memory of all instances together, in bytes or with K, M or G (default: no limit)")
	c.Flags().BoolVar(&f.noCache, "no-cache", false, "keep no compiled code on disk")
}

func (f *engineFlags) engine(ctx context.Context, log *slog.Logger) (*engine.Engine, error) {
	cfg := engine.Config{CacheDir: f.cacheDir, Log: log}
	switch f.kind {
	case "auto":
	case "compiler":
		cfg.Kind = engine.Compiler
	case "interpreter":
		cfg.Kind = engine.Interpreter
	default:
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("--engine %q: it is auto, compiler or interpreter", f.kind)}
	}
	size, err := parseSize(f.cacheSize)
	if err != nil || size == 0 || size > 1<<62 {
		return nil, usagef("--cache-size %q: it is a number of bytes, or one with K, M or G; --no-cache keeps nothing", f.cacheSize)
	}
	cfg.CacheSize = int64(size)
	if cfg.MemoryLimit, err = limit("--max-total-memory", f.maxTotalMemory); err != nil {
		return nil, err
	}
	switch {
	case f.noCache:
		cfg.CacheDir = ""
	case f.cacheDir == "":
		// Without a home directory there is no cache, which is no reason to stop.
		cfg.CacheDir, _ = engine.DefaultCacheDir()
	}
	return engine.New(ctx, cfg)
}

// grantFlags say what a guest is granted.
type grantFlags struct {
	dataFlags
	env           []string
	inheritEnv    bool
	dirs          []string
	maxOpenFiles  int
	wasi          []string
	allowOutbound []string
	blockPrivate  bool
	sockets       socketFlags
	maxMemory     string
	maxCPU        time.Duration
	maxHostMemory string
	maxFields     string
}

func (f *grantFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringArrayVar(&f.env, "env", nil, "environment variable NAME=VALUE, or NAME to pass on this process's; repeat for more")
	fl.BoolVar(&f.inheritEnv, "inherit-env", false, "pass on the whole environment of this process")
	fl.StringArrayVar(&f.dirs, "dir", nil, "directory HOST[::GUEST][:ro] that the guest may use, under the name GUEST or HOST; :ro to only read it; repeat for more")
	fl.IntVar(&f.maxOpenFiles, "max-open-files", filesystem.DefaultMaxOpen, "files and directories that one instance may have open at once")
	fl.StringArrayVarP(&f.wasi, "wasi", "S", nil, "WASI options, as wasmtime has them: inherit-env, http, cli, inherit-network, allow-ip-name-lookup, tcp=n, udp=n")
	fl.StringArrayVar(&f.allowOutbound, "allow-outbound", nil, "where the guest may send requests: a pattern such as https://api.example.com, http://10.1.0.0/16:*, or * for everywhere; repeat for more")
	fl.BoolVar(&f.blockPrivate, "block-private", false, "deny outbound requests and sockets to private and local addresses, whatever --allow-outbound and --allow-socket say")
	f.sockets.add(c)
	fl.StringVar(&f.maxHostMemory, "max-host-memory", "", "what one instance makes the host allocate for streams and fields, in bytes or with K, M or G (default 16M)")
	fl.StringVar(&f.maxFields, "max-fields", "", "size of one set of header fields, in bytes or with K, M or G")
	f.dataFlags.add(c)
	fl.DurationVar(&f.maxCPU, "max-cpu", 0, "how long the code of one instance may run in all, not counting what it waits for; 0 is no limit")
	fl.StringVar(&f.maxMemory, "max-memory", "", "linear memory of one instance, in bytes or with K, M or G (default 256M)")
}

// outboundTimeout bounds each wait for the other end of an outbound request whose
// guest sets no timeout of its own. It is the one of wasmtime.
const outboundTimeout = 10 * time.Minute

func usagef(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// wasiOptions reads the -S options.
func (f *grantFlags) wasiOptions() error {
	for _, list := range f.wasi {
		for o := range strings.SplitSeq(list, ",") {
			name, value, _ := strings.Cut(o, "=")
			on := value == "" || value == "y" || value == "true"
			switch name {
			case "inherit-env":
				f.inheritEnv = on
			case "http", "cli", "common", "p2":
				if !on {
					return usagef("-S %s: these interfaces are always linked", o)
				}
			default:
				if !f.sockets.wasiOption(name, on) {
					return usagef("-S %s: not an option of godwit; there are inherit-env, http, cli, inherit-network, allow-ip-name-lookup, tcp and udp", o)
				}
			}
		}
	}
	return nil
}

// environment makes the guest's environment of the flags.
func (f *grantFlags) environment() ([]cli.Variable, error) {
	var env []cli.Variable
	if f.inheritEnv {
		for _, kv := range os.Environ() {
			if name, value, ok := strings.Cut(kv, "="); ok && name != "" {
				env = append(env, cli.Variable{Name: name, Value: value})
			}
		}
	}
	for _, kv := range f.env {
		name, value, ok := strings.Cut(kv, "=")
		if name == "" {
			return nil, usagef("--env %q: it is NAME=VALUE or NAME", kv)
		}
		if !ok {
			if value, ok = os.LookupEnv(name); !ok {
				return nil, usagef("--env %s: this process has no such variable", name)
			}
		}
		env = append(env, cli.Variable{Name: name, Value: value})
	}
	return env, nil
}

// config makes a host.Config of the flags.
func (f *grantFlags) config() (cfg host.Config, err error) {
	usage := func(format string, args ...any) (host.Config, error) { return cfg, usagef(format, args...) }
	if f.maxOpenFiles <= 0 {
		return usage("--max-open-files %d: it is at least 1", f.maxOpenFiles)
	}
	cfg.MaxOpenFiles = f.maxOpenFiles
	for _, d := range f.dirs {
		p, err := filesystem.ParsePreopen(d)
		if err != nil {
			return usage("--dir: %w", err)
		}
		cfg.Dirs = append(cfg.Dirs, p)
	}
	if err := f.wasiOptions(); err != nil {
		return cfg, err
	}
	if cfg.Env, err = f.environment(); err != nil {
		return cfg, err
	}
	for _, size := range []struct {
		flag, text string
		set        func(n uint64)
	}{
		{"--max-host-memory", f.maxHostMemory, func(n uint64) { cfg.MaxHostMemory = int64(n) }},
		{"--max-fields", f.maxFields, func(n uint64) { cfg.MaxFields = int(n) }},
		{"--keyvalue-max-value", f.maxValue, func(n uint64) { cfg.KeyValue.Limits.Value = int(n) }},
	} {
		if size.text == "" {
			continue
		}
		n, err := parseSize(size.text)
		if err != nil || n == 0 || n > 1<<31-1 {
			return usage("%s %q: it is a number of bytes, or one with K, M or G, below 2G", size.flag, size.text)
		}
		size.set(n)
	}
	if cfg.Settings, err = f.settings(); err != nil {
		return cfg, err
	}
	if len(f.allowOutbound) > 0 {
		policy, err := http.ParsePolicy(f.allowOutbound)
		if err != nil {
			return usage("%w", err)
		}
		policy.BlockPrivate = f.blockPrivate
		cfg.Outbound = &http.Client{
			Policy: policy, Transport: http.NewTransport(policy, http.TransportConfig{}),
			ConnectTimeout: outboundTimeout, FirstByteTimeout: outboundTimeout, BetweenBytesTimeout: outboundTimeout,
		}
	}
	cfg.Network, err = f.sockets.network(f.blockPrivate)
	return cfg, err
}

// instance is the limits of one instance; what is 0 is the engine's default.
func (f *grantFlags) instance() (c engine.InstanceConfig, err error) {
	if f.maxCPU < 0 {
		return c, usagef("--max-cpu %v: it is a duration such as 500ms, or 0 for no limit", f.maxCPU)
	}
	c.CPULimit = f.maxCPU
	c.MemoryLimit, err = limit("--max-memory", f.maxMemory)
	return c, err
}

// limit is a number of bytes that a flag sets; 0 when it does not.
func limit(flag, text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := parseSize(text)
	if err != nil || n == 0 {
		return 0, usagef("%s %q: it is a number of bytes, or one with K, M or G", flag, text)
	}
	return n, nil
}

// parseSize reads a number of bytes such as 65536, 64K or 1G.
func parseSize(s string) (uint64, error) {
	shift := uint(0)
	digits := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(s), "B"), "I")
	if n := len(digits); n > 0 {
		switch digits[n-1] {
		case 'K':
			shift = 10
		case 'M':
			shift = 20
		case 'G':
			shift = 30
		}
		if shift > 0 {
			digits = digits[:n-1]
		}
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n<<shift>>shift != n {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	return n << shift, nil
}

// maxFile bounds what is read of a component's file.
const maxFile = 1 << 30

// readComponent reads a component in the binary or the text format. What is
// neither is left to the decoder to reject.
func readComponent(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, failed(err)
	}
	if st.IsDir() {
		return nil, failed(fmt.Errorf("%s is a directory", path))
	}
	if st.Size() > maxFile {
		return nil, failed(fmt.Errorf("%s is larger than %d bytes", path, maxFile))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, failed(err)
	}
	if isText(path, b) {
		if b, err = wat.Assemble(path, b); err != nil {
			return nil, failed(err)
		}
	}
	return b, nil
}

// isText tells whether a file is in the text format: its name says so, or it
// begins like a list or a comment.
func isText(path string, b []byte) bool {
	if bytes.HasPrefix(b, []byte("\x00asm")) {
		return false
	}
	b = bytes.TrimLeft(b, " \t\r\n")
	return strings.HasSuffix(path, ".wat") || bytes.HasPrefix(b, []byte("(")) || bytes.HasPrefix(b, []byte(";;"))
}

// preview1 is the name that the programs of WASI preview 1 import from.
const preview1 = "wasi_snapshot_preview1"

// adaptModule says what to do with such a program.
const adaptModule = `%s: this is a core module for WASI preview 1, not a component. Make a component of it:
    wasm-tools component new %s --adapt wasi_snapshot_preview1=ADAPTER -o COMPONENT.wasm
The adapter for programs is wasi_snapshot_preview1.command.wasm, that for
libraries and HTTP handlers wasi_snapshot_preview1.reactor.wasm; wasmtime's
releases have them, and the npm package @bytecodealliance/jco in lib/`

// compileAndLink compiles the component at path and links it with the host.
func compileAndLink(ctx context.Context, e *engine.Engine, path string, cfg host.Config) (*engine.Linked, error) {
	b, err := readComponent(path)
	if err != nil {
		return nil, err
	}
	c, err := e.Compile(ctx, b)
	if errors.Is(err, component.ErrCoreModule) && bytes.Contains(b, []byte(preview1)) {
		return nil, failed(fmt.Errorf(adaptModule, path, filepath.Base(path)))
	}
	if err != nil {
		return nil, failed(fmt.Errorf("%s: %w", path, err))
	}
	l := e.NewLinker()
	l.Hint = host.Hint
	if err := host.Link(l, cfg); err != nil {
		return nil, failed(err)
	}
	ln, err := l.Link(ctx, c)
	if err != nil {
		return nil, failed(fmt.Errorf("%s: %w\n\n%s", path, err, explain(c)))
	}
	return ln, nil
}
