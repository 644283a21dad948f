package core

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// codes are the compiled modules of a Runtime, by what was compiled: components
// that differ only in data have them in common.
type codes struct {
	mu  sync.Mutex
	all map[codeKey]*code
}

type codeKey struct {
	kind Kind
	hash [sha256.Size]byte
}

// code is a rewritten module that is compiled.
type code struct {
	wazero.CompiledModule
	key  codeKey
	of   *codes
	refs int // how many Modules have it
	once sync.Once
	err  error
}

// compile compiles a rewritten module, or finds that it has been.
func (r *Runtime) compile(ctx context.Context, l loop, k Kind, b []byte) (*code, error) {
	key := codeKey{kind: k, hash: sha256.Sum256(b)}
	r.codes.mu.Lock()
	c := r.codes.all[key]
	if c == nil {
		if r.codes.all == nil {
			r.codes.all = map[codeKey]*code{}
		}
		c = &code{key: key, of: &r.codes}
		r.codes.all[key] = c
	}
	c.refs++
	r.codes.mu.Unlock()
	c.once.Do(func() {
		defer func() {
			if p := recover(); p != nil { // of wazero, on a module that it does not expect
				c.err = fmt.Errorf("the module cannot be compiled: %v", p)
			}
		}()
		ctx := experimental.WithCompilationWorkers(context.WithoutCancel(ctx), r.workers)
		c.CompiledModule, c.err = l.CompileModule(ctx, b)
		if damaged(c.err) && clearCacheDir(r.cacheDir) == nil {
			c.CompiledModule, c.err = l.CompileModule(ctx, b)
		}
	})
	if c.err != nil {
		_ = c.release(ctx)
		return nil, c.err
	}
	return c, nil
}

// release gives c back; the last one to do so closes it.
func (c *code) release(ctx context.Context) error {
	c.of.mu.Lock()
	c.refs--
	last := c.refs == 0
	if last {
		delete(c.of.all, c.key)
	}
	c.of.mu.Unlock()
	if !last || c.CompiledModule == nil {
		return nil
	}
	return c.CompiledModule.Close(ctx)
}
