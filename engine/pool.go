package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/godwit-runtime/godwit/engine/core"
)

// PoolConfig configures a Pool. The zero value is good.
type PoolConfig struct {
	// Instance configures the instances; Host is not used.
	Instance InstanceConfig
	// MaxIdle bounds the instances that wait for their next use; 0 means
	// DefaultMaxIdle, less than 0 none.
	MaxIdle int
	// IdleTimeout is how long an instance waits before it is closed; 0 means
	// DefaultIdleTimeout.
	IdleTimeout time.Duration
}

// Defaults of PoolConfig.
const (
	DefaultMaxIdle     = 64
	DefaultIdleTimeout = 10 * time.Second
)

// Pool gives out instances of a Linked in the state that Instantiate leaves them
// in. An instance that was given back is reset to that state, in a small part of
// the time that making one takes, or closed when that cannot be done completely:
// when a call trapped, when code writes tables, when the start functions called
// the host (see core.Snapshot). It is safe for concurrent use.
type Pool struct {
	linked *Linked
	cfg    PoolConfig

	mu        sync.Mutex
	idle      []idleInstance // the one that was used last at the end
	closed    bool
	timer     *time.Timer // runs while instances are idle
	snapshots []*core.Snapshot
	never     bool // the component cannot be reset
}

type idleInstance struct {
	*Instance
	since time.Time
}

var errPoolClosed = errors.New("the pool of instances is closed")

// NewPool makes a Pool of instances.
func (ln *Linked) NewPool(c PoolConfig) *Pool {
	if c.MaxIdle == 0 {
		c.MaxIdle = DefaultMaxIdle
	}
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = DefaultIdleTimeout
	}
	return &Pool{linked: ln, cfg: c}
}

// Get returns an instance whose host is host. It is given back with Put.
func (p *Pool) Get(ctx context.Context, host any) (*Instance, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errPoolClosed
	}
	if n := len(p.idle); n > 0 {
		i := p.idle[n-1].Instance
		p.idle[n-1] = idleInstance{}
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		i.store.Host = host
		return i, nil
	}
	p.mu.Unlock()
	c := p.cfg.Instance
	c.Host = host
	i, err := p.linked.Instantiate(ctx, c)
	if err != nil {
		return nil, err
	}
	i.resettable = p.follow(i)
	return i, nil
}

// follow makes a new instance resettable, if that is possible.
func (p *Pool) follow(i *Instance) bool {
	if p.cfg.MaxIdle < 0 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.never {
		return false
	}
	if p.snapshots == nil {
		snapshots := make([]*core.Snapshot, len(i.cores))
		for k, c := range i.cores {
			if snapshots[k] = c.Snapshot(); snapshots[k] == nil {
				p.never = true
				return false
			}
		}
		p.snapshots = snapshots
	}
	for k, c := range i.cores {
		if !c.Follow(p.snapshots[k]) {
			return false
		}
	}
	return true
}

// Put takes an instance back: it is reset, or closed. No call may be under way.
func (p *Pool) Put(ctx context.Context, i *Instance) {
	if i.reset(ctx) && p.keep(i) {
		return
	}
	_ = i.Close(ctx)
}

func (p *Pool) keep(i *Instance) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.cfg.MaxIdle {
		return false
	}
	p.idle = append(p.idle, idleInstance{i, time.Now()})
	if p.timer == nil {
		p.timer = time.AfterFunc(p.cfg.IdleTimeout, p.reap)
	}
	return true
}

// reap closes what has been idle for too long.
func (p *Pool) reap() {
	p.shed(context.Background(), p.cfg.IdleTimeout)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer = nil; len(p.idle) > 0 {
		p.timer = time.AfterFunc(p.cfg.IdleTimeout-time.Since(p.idle[0].since), p.reap)
	}
}

// shed closes instances that have been idle for a time.
func (p *Pool) shed(ctx context.Context, idle time.Duration) {
	p.mu.Lock()
	n := 0
	for n < len(p.idle) && time.Since(p.idle[n].since) >= idle {
		n++
	}
	old := append([]idleInstance(nil), p.idle[:n]...)
	left := copy(p.idle, p.idle[n:])
	clear(p.idle[left:])
	p.idle = p.idle[:left]
	p.mu.Unlock()
	for _, i := range old {
		_ = i.Close(ctx)
	}
}

// Close closes the instances that are idle; those in use are closed when they
// are given back.
func (p *Pool) Close(ctx context.Context) {
	p.mu.Lock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	p.shed(ctx, 0)
}

// reset returns the instance to the state that Instantiate left it in, without a
// host. It is false when that cannot be done.
func (i *Instance) reset(ctx context.Context) (ok bool) {
	if !i.resettable || !i.busy.CompareAndSwap(false, true) {
		return false
	}
	defer i.busy.Store(false)
	defer func() {
		if r := recover(); r != nil { // of a host resource's Drop
			ok = false
		}
	}()
	if !i.store.Reset(nil, i.dropOwned(ctx)) {
		return false
	}
	i.call = Call{}
	for _, f := range i.store.Funcs {
		if cf, ok := f.(*core.Func); ok {
			cf.Reset()
		}
	}
	for _, c := range i.cores {
		if !c.Reset() {
			return false
		}
	}
	i.meter.Reset()
	return true
}
