package host

import (
	"context"
	"errors"
	goio "io"
	"log/slog"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/cli"
	"github.com/godwit-runtime/godwit/host/clocks"
	"github.com/godwit-runtime/godwit/host/config"
	"github.com/godwit-runtime/godwit/host/filesystem"
	"github.com/godwit-runtime/godwit/host/http"
	"github.com/godwit-runtime/godwit/host/io"
	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/godwit-runtime/godwit/host/random"
	"github.com/godwit-runtime/godwit/host/sockets"
)

// DefaultMaxHostMemory is the default of Config.MaxHostMemory.
const DefaultMaxHostMemory = 16 << 20

// Config is what instances are granted. The zero value is a guest without
// environment, arguments, output, files and network. It is copied freely.
type Config struct {
	Env  []cli.Variable
	Args []string
	// Stdin is read by one instance at most; nil has ended.
	Stdin goio.Reader
	// Stdout and Stderr get the guest's output; nil discards it. Instances that
	// share one need it safe for concurrent use.
	Stdout, Stderr goio.Writer
	// Terminals says which of the three are terminals.
	Terminals cli.Terminals

	// Outbound sends requests; nil denies them all. See http.ParsePolicy and
	// http.NewTransport.
	Outbound *http.Client

	// Network is what the guest's sockets reach; nil refuses them all. See
	// sockets.ParsePolicy.
	Network *sockets.Network

	// Dirs are the directories that the guest may use.
	Dirs []filesystem.Preopen
	// MaxOpenFiles bounds the files and directories that one instance has open;
	// 0 means filesystem.DefaultMaxOpen.
	MaxOpenFiles int

	// KeyValue has the stores that the guest may open; see keyvalue.Store.
	KeyValue keyvalue.Config
	// Settings are what the guest reads through wasi:config; nil has none.
	Settings *config.Settings

	// MaxHostMemory bounds what one instance makes the host allocate for
	// streams and fields, in bytes; 0 means DefaultMaxHostMemory.
	MaxHostMemory int64
	// MaxFields bounds one set of header fields, in bytes; 0 means http.DefaultMaxFields.
	MaxFields int

	// Clock and Random replace the machine's, for tests; nil means the machine's.
	Clock  clocks.Clock
	Random *random.Source

	// Log gets a line for each outbound request, socket address, name and
	// key-value store that is denied, for the first use of files that is, and for
	// failures of stores; nil means none.
	Log *slog.Logger
	// Report, if not nil, is told of these instead of Log.
	Report func(err error)

	// Answer, if not nil, is woken when there is something to do for the one who
	// sends the guest's answer to a request; see http.Config.
	Answer *io.Waiter
}

// State is what one instance uses of the host. Give it to
// engine.InstanceConfig.Host and Close it after the instance.
type State struct {
	Budget *io.Budget
	CLI    *cli.Command
	HTTP   *http.State

	clock    clocks.Clock
	random   *random.Source
	settings *config.Settings

	// What many guests do not use is made when one does.
	ctx      context.Context
	report   func(err error)
	sockets  *sockets.State
	network  *sockets.Network
	files    *filesystem.Files
	dirs     []filesystem.Preopen
	maxOpen  int
	keyvalue *keyvalue.State
	stores   keyvalue.Config
}

// Holder is what Link expects in engine.InstanceConfig.Host: a State, or an
// embedder's own state that has one.
type Holder interface{ HostState() *State }

// HostState implements Holder.
func (s *State) HostState() *State { return s }

// NewState returns the State of a new instance, which lives at most as long as ctx.
func (c Config) NewState(ctx context.Context) *State {
	if c.MaxHostMemory <= 0 {
		c.MaxHostMemory = DefaultMaxHostMemory
	}
	budget := io.NewBudget(c.MaxHostMemory)
	s := &State{
		Budget:   budget,
		CLI:      &cli.Command{Env: c.Env, Args: c.Args, Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr, Terminals: c.Terminals, Budget: budget},
		clock:    c.Clock,
		random:   c.Random,
		settings: c.Settings,
		ctx:      ctx,
		network:  c.Network,
		dirs:     c.Dirs,
		maxOpen:  c.MaxOpenFiles,
		stores:   c.KeyValue,
	}
	if s.clock == nil {
		s.clock = clocks.System
	}
	if s.random == nil {
		s.random = random.System
	}
	s.report = c.Report
	if log := c.Log; s.report == nil && log != nil {
		s.report = func(err error) { log.Warn(err.Error()) }
	}
	s.HTTP = http.NewState(ctx, http.Config{Budget: budget, MaxFields: c.MaxFields, Client: c.Outbound, Denied: s.report, Answer: c.Answer})
	return s
}

// Sockets is what the instance uses of wasi:sockets.
func (s *State) Sockets() *sockets.State {
	if s.sockets == nil {
		s.sockets = sockets.NewState(s.ctx, sockets.Config{Network: s.network, Budget: s.Budget, Denied: s.report})
	}
	return s.sockets
}

// Files is what it uses of wasi:filesystem.
func (s *State) Files() *filesystem.Files {
	if s.files == nil {
		s.files = filesystem.New(filesystem.Config{Preopens: s.dirs, MaxOpen: s.maxOpen, Budget: s.Budget, Denied: s.report})
	}
	return s.files
}

// KeyValue is what it uses of wasi:keyvalue.
func (s *State) KeyValue() *keyvalue.State {
	if s.keyvalue == nil {
		s.keyvalue = s.stores.NewState(s.ctx, s.Budget, s.report)
	}
	return s.keyvalue
}

// Close ends what the instance has under way.
func (s *State) Close() {
	if s.sockets != nil {
		s.sockets.Close()
	}
	s.HTTP.Close()
	s.CLI.Close()
	if s.files != nil {
		s.files.Close()
	}
}

func state(cx *abi.Context) *State { return cx.Host.(Holder).HostState() }

// Link defines in l every interface that c serves. Instances get a Holder of a
// State as their host.
func Link(l *engine.Linker, _ Config) error {
	err := errors.Join(
		io.Link(l),
		clocks.Link(l, func(cx *abi.Context) clocks.Clock { return state(cx).clock }),
		random.Link(l, func(cx *abi.Context) *random.Source { return state(cx).random }),
		cli.Link(l, func(cx *abi.Context) *cli.Command { return state(cx).CLI }),
		filesystem.Link(l, func(cx *abi.Context) *filesystem.Files { return state(cx).Files() }),
		sockets.Link(l, func(cx *abi.Context) *sockets.State { return state(cx).Sockets() }),
		http.Link(l, func(cx *abi.Context) *http.State { return state(cx).HTTP }),
		keyvalue.Link(l, func(cx *abi.Context) *keyvalue.State { return state(cx).KeyValue() }),
		config.Link(l, func(cx *abi.Context) *config.Settings { return state(cx).settings }),
	)
	if err == nil {
		markPrompt(l)
	}
	return err
}
