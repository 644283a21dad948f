package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/godwit-runtime/godwit/host/server"
	"github.com/spf13/cobra"
)

type serveFlags struct {
	engineFlags
	grantFlags
	addr            string
	wasm            []string
	timeout         time.Duration
	maxConcurrent   int
	queueWait       time.Duration
	clientTimeout   time.Duration
	maxBody         string
	reuse           int
	concurrentReuse int
	idleTimeout     string
	noPrefix        bool
	logFormat       string
	drainTimeout    time.Duration
}

func serveCommand() *cobra.Command {
	f := &serveFlags{}
	c := &cobra.Command{
		Use:   "serve FILE",
		Short: "Serve HTTP with a component that exports wasi:http/incoming-handler",
		Long: `Serve HTTP with a component that exports wasi:http/incoming-handler.

Each request is answered by an instance of its own. Nothing is granted to the
guest that is not asked for here. A component that exports wasi:keyvalue/watcher as
well is told of changes in its stores. The first SIGINT or SIGTERM lets requests under
way finish, the second ends at once.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.serve(c.Context(), args[0]) },
	}
	f.engineFlags.add(c)
	f.grantFlags.add(c)
	fl := c.Flags()
	fl.StringVar(&f.addr, "addr", "127.0.0.1:8080", "address to listen on")
	fl.StringArrayVarP(&f.wasm, "wasm", "W", nil, "WebAssembly options, as wasmtime has them: timeout=DURATION for each request, max-memory-size=BYTES")
	fl.IntVar(&f.maxConcurrent, "max-concurrent-requests", 128, "instances that may live at once; a request beyond them waits, then gets 503")
	fl.DurationVar(&f.queueWait, "queue-wait", time.Second, "how long a request waits for an instance before it gets 503")
	fl.DurationVar(&f.clientTimeout, "client-timeout", server.DefaultClientTimeout, "how long a client may let the guest wait for the next bytes of its request, or to take the next of the response; 0 is for ever")
	fl.StringVar(&f.maxBody, "max-body", "", "longest request body, in bytes or with K, M or G (default: no limit)")
	fl.IntVar(&f.reuse, "max-instance-reuse-count", 1, "requests that one instance answers: 1, which WASI 0.2 components rely on")
	fl.IntVar(&f.concurrentReuse, "max-instance-concurrent-reuse-count", 1, "requests that one instance answers at once: 1")
	fl.StringVar(&f.idleTimeout, "idle-instance-timeout", "", "how long an instance waits for its next request; of no effect while each answers one")
	fl.BoolVar(&f.noPrefix, "no-logging-prefix", false, "pass the guest's output on as it is, without prefixes")
	fl.StringVar(&f.logFormat, "log-format", "text", "form of the operator's log and the guest's output: text or json")
	fl.DurationVar(&f.drainTimeout, "drain-timeout", server.DefaultDrainTimeout, "how long requests under way may take once the server is told to stop")
	return c
}

// wasmOptions reads the -W options.
func (f *serveFlags) wasmOptions() error {
	for _, list := range f.wasm {
		for o := range strings.SplitSeq(list, ",") {
			name, value, _ := strings.Cut(o, "=")
			switch name {
			case "timeout":
				d, err := time.ParseDuration(value)
				if err != nil || d <= 0 {
					return fmt.Errorf("-W %s: the timeout is a duration such as 10s", o)
				}
				f.timeout = d
			case "max-memory-size":
				f.maxMemory = value
			default:
				return fmt.Errorf("-W %s: not an option of godwit; there are timeout and max-memory-size", o)
			}
		}
	}
	if f.reuse != 1 || f.concurrentReuse != 1 {
		return fmt.Errorf("instances of WASI 0.2 components answer one request each: --max-instance-reuse-count and --max-instance-concurrent-reuse-count can only be 1")
	}
	if f.idleTimeout != "" {
		if _, err := time.ParseDuration(f.idleTimeout); err != nil {
			return fmt.Errorf("--idle-instance-timeout %q: it is a duration such as 1s", f.idleTimeout)
		}
	}
	return nil
}

// config makes the handler's configuration.
func (f *serveFlags) config() (server.Config, error) {
	usage := func(err error) (server.Config, error) {
		return server.Config{}, &exitError{code: exitUsage, err: err}
	}
	if err := f.wasmOptions(); err != nil {
		return usage(err)
	}
	grants, err := f.grantFlags.config()
	if err != nil {
		return server.Config{}, err
	}
	cfg := server.Config{
		Host:          grants,
		Timeout:       f.timeout,
		MaxConcurrent: f.maxConcurrent,
		QueueWait:     f.queueWait,
		ClientTimeout: f.clientTimeout,
		Stdout:        os.Stdout,
		Stderr:        os.Stderr,
	}
	if cfg.ClientTimeout <= 0 {
		cfg.ClientTimeout = -1
	}
	if f.maxBody != "" {
		n, err := parseSize(f.maxBody)
		if err != nil || n == 0 || n > 1<<62 {
			return usage(fmt.Errorf("--max-body %q: it is a number of bytes, or one with K, M or G", f.maxBody))
		}
		cfg.MaxBody = int64(n)
	}
	switch f.logFormat {
	case "text":
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	case "json":
		cfg.Log = slog.New(slog.NewJSONHandler(os.Stderr, nil))
		cfg.Output = server.Structured
	default:
		return usage(fmt.Errorf("--log-format %q: it is text or json", f.logFormat))
	}
	if f.noPrefix {
		cfg.Output = server.Raw
	}
	return cfg, nil
}

func (f *serveFlags) serve(ctx context.Context, path string) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	limits, err := f.instance()
	if err != nil {
		return err
	}
	e, err := f.engine(ctx, cfg.Log)
	if err != nil {
		return failed(err)
	}
	defer e.Close(ctx)
	ln, err := compileAndLink(ctx, e, path, cfg.Host)
	if err != nil {
		return err
	}
	guest, err := server.NewComponent(ln, limits)
	if err != nil {
		return failed(fmt.Errorf("%s: %w", path, err))
	}
	watcher, err := server.NewWatcher(ln, limits)
	if err != nil {
		return failed(fmt.Errorf("%s: %w", path, err))
	}
	stores, err := f.openStores(path)
	if err != nil {
		return err
	}
	defer stores.close()
	cfg.Host.KeyValue.Buckets = stores.buckets
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		return failed(fmt.Errorf("--addr %s: %w", f.addr, err))
	}
	defer watch(ctx, watcher, cfg)()
	srv := &server.Server{Handler: server.New(guest, cfg), Ready: os.Stderr, DrainTimeout: f.drainTimeout}
	return failed(srv.Serve(untilSignal(ctx), l))
}

// watch tells a guest of changes in its stores, if it wants to know, until stop.
func watch(ctx context.Context, w *server.Watcher, cfg server.Config) (stop func()) {
	if w == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx, cfg)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// untilSignal returns a context that is done at the first SIGINT or SIGTERM. The
// second ends the process, as it does without a handler.
func untilSignal(ctx context.Context) context.Context {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}
