package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// Compiled code is shared: modules with the same key have one code, whichever
// components they come from, and it is compiled once however many ask for it at
// once. It is kept on disk by a codeStore (cache_store.go), if there is one.

// code is compiled code and who uses it.
type code struct {
	key      codeKey
	rt       loop
	compiled wazero.CompiledModule
	info     moduleInfo
	// closes is how often compiled is closed: as often as wazero counts it.
	closes int

	users int           // guarded by Runtime.mu
	done  chan struct{} // closed when it is compiled
	err   error         // why it is not
}

// acquire returns the code of a module, which has the key, and which release
// gives back.
func (r *Runtime) acquire(ctx context.Context, s *ModuleSpec, key codeKey) (*code, error) {
	for {
		r.mu.Lock()
		c := r.codes[key]
		if c == nil {
			c = &code{key: key, users: 1, closes: 1, done: make(chan struct{})}
			r.codes[key] = c
			r.mu.Unlock()
			r.fill(ctx, s, c)
			return c, c.err
		}
		c.users++
		r.mu.Unlock()
		select {
		case <-c.done:
			if c.err == nil {
				return c, nil
			}
			// Its error may be of another context, and names another place: this
			// one gets its own.
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		case <-ctx.Done():
			go func() { // one user less, once it is known of what
				<-c.done
				if c.err == nil {
					_ = r.release(context.Background(), c)
				}
			}()
			return nil, ctx.Err()
		}
	}
}

// fill compiles c and lets those go on who wait for it.
func (r *Runtime) fill(ctx context.Context, s *ModuleSpec, c *code) {
	c.err = errCompilePanic
	defer func() {
		if c.err != nil {
			r.mu.Lock()
			delete(r.codes, c.key)
			r.mu.Unlock()
		}
		close(c.done)
	}()
	c.err = r.compile(ctx, s, c)
}

var errCompilePanic = errors.New("the compiler panicked")

// release gives back what acquire returned. Code that nobody uses goes.
func (r *Runtime) release(ctx context.Context, c *code) error {
	r.mu.Lock()
	c.users--
	last := c.users == 0
	if last && r.codes[c.key] == c {
		delete(r.codes, c.key)
	}
	r.mu.Unlock()
	if !last {
		return nil
	}
	var err error
	for range c.closes {
		err = c.compiled.Close(ctx)
	}
	return err
}

// compile makes c what it says: from the cache, or else of the module.
func (r *Runtime) compile(ctx context.Context, s *ModuleSpec, c *code) error {
	l, err := r.on(ctx, s.Engine)
	if err != nil {
		return err
	}
	c.rt = l
	store := r.store
	if s.Engine != Compiler {
		store = nil
	}
	if store != nil && store.load(ctx, l, c) {
		return nil
	}
	b, info, err := rewrite(s)
	if err != nil {
		return err
	}
	if info.exceptions && s.Engine == Compiler {
		return fmt.Errorf("%s uses exceptions: %w", s.Name, ErrNeedsInterpreter)
	}
	c.info = info
	ctx = experimental.WithCompilationWorkers(ctx, r.workers)
	if store != nil {
		kept, err := store.compile(ctx, l, c, b)
		if kept || err != nil {
			return compileError(s, err)
		}
		return compileError(s, store.without(ctx, l, c, b))
	}
	c.compiled, err = l.CompileModule(ctx, b)
	return compileError(s, err)
}
