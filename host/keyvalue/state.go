package keyvalue

import (
	"context"
	"errors"
	"fmt"
	"sync"

	draft "github.com/godwit-runtime/godwit/bindings/draft/wasikeyvalue"
	draft2 "github.com/godwit-runtime/godwit/bindings/draft2/wasikeyvalue"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
)

// Config is what instances are granted of wasi:keyvalue. The zero value is
// nothing: every open is denied.
type Config struct {
	// Buckets are the stores that a guest may open, by the name that it opens
	// them with. A nil Bucket is a store that there is, but not for this guest.
	Buckets map[string]Bucket
	Limits  Limits
}

// State is what wasi:keyvalue holds for one instance. It serves one goroutine,
// that of the guest.
type State struct {
	buckets map[string]Bucket
	limits  Limits
	budget  *io.Budget
	report  func(err error)

	// ctx is that of the instance. Operations have it instead of the context of
	// the call, which the engine uses again while a driver may still hold it.
	ctx context.Context

	handles int // open
	mu      sync.Mutex
	told    map[string]bool // reports that were made
}

// NewState returns the State of a new instance, which lives at most as long as
// ctx. What the instance holds on to is charged to budget. report, if not nil,
// is told what the operator should know: stores that are not granted, and
// failures of stores, of which the guest learns no details.
func (c Config) NewState(ctx context.Context, budget *io.Budget, report func(err error)) *State {
	return &State{buckets: c.Buckets, limits: c.Limits.withDefaults(), budget: budget, report: report, ctx: ctx}
}

// Link defines both drafts of wasi:keyvalue in l; state picks the State of the
// calling instance.
func Link(l *engine.Linker, state func(cx *abi.Context) *State) error {
	return errors.Join(
		draft.LinkStore(l, func(cx *abi.Context) draft.StoreHost { return Draft{state(cx)} }),
		draft.LinkAtomics(l, func(cx *abi.Context) draft.AtomicsHost { return Draft{state(cx)} }),
		draft.LinkBatch(l, func(cx *abi.Context) draft.BatchHost { return Draft{state(cx)} }),
		draft2.LinkStore(l, func(cx *abi.Context) draft2.StoreHost { return Draft2{state(cx)} }),
		draft2.LinkAtomics(l, func(cx *abi.Context) draft2.AtomicsHost { return Draft2{state(cx)} }),
		draft2.LinkBatch(l, func(cx *abi.Context) draft2.BatchHost { return Draft2{state(cx)} }),
	)
}

// DeniedError is an open of a store that is not granted.
type DeniedError struct {
	Name    string
	Unknown bool // there are other stores, and this one is not known
}

func (e *DeniedError) Error() string {
	s := fmt.Sprintf("key-value store %.100q is not granted", e.Name)
	if e.Unknown {
		s = fmt.Sprintf("there is no key-value store %.100q", e.Name)
	}
	if CheckName(e.Name) == nil {
		s += fmt.Sprintf("; pass --keyvalue %s=bolt:./data.db, or another place for its data", e.Name)
	}
	return s
}

// opened is a bucket that the guest has open.
type opened struct {
	state  *State
	bucket Bucket
}

// open is the body of open.
func (s *State) open(name string) (opened, error) {
	b, known := s.buckets[name]
	if b == nil {
		return opened{}, &DeniedError{Name: name, Unknown: !known && len(s.buckets) > 0}
	}
	return opened{state: s, bucket: b}, s.acquire()
}

// acquire counts one more handle.
func (s *State) acquire() error {
	if s.handles >= s.limits.Handles {
		return &LimitError{What: "instance", Unit: "buckets and cas handles open", Got: int64(s.handles) + 1,
			Limit: int64(s.limits.Handles), Fix: "drop those that are not in use"}
	}
	s.handles++
	return nil
}

func (s *State) release() { s.handles-- }

// maxReports is how many different reports one instance makes: a guest in a
// loop must not fill the operator's log.
const maxReports = 8

// tell is what the guest is told of an error that is neither of its own cases.
// What the guest caused it learns in full. A failure of the store is reported
// to the operator: it may name addresses and files of the host.
func (s *State) tell(err error) string {
	var (
		limit  *LimitError
		number *NumberError
	)
	switch {
	case errors.As(err, &limit):
		return limit.Error()
	case errors.As(err, &number):
		return number.Error()
	case errors.Is(err, ErrCursor):
		return ErrCursor.Error()
	case s.ctx.Err() != nil:
		return "the instance is ending"
	}
	s.tellOperator(fmt.Errorf("key-value store: %w", err))
	if errors.Is(err, context.DeadlineExceeded) {
		return "the store did not answer in time"
	}
	return "the store failed"
}

func (s *State) tellOperator(err error) {
	if s.report == nil {
		return
	}
	text := err.Error()
	s.mu.Lock()
	again := s.told[text] || len(s.told) >= maxReports
	if !again {
		if s.told == nil {
			s.told = map[string]bool{}
		}
		s.told[text] = true
	}
	s.mu.Unlock()
	if !again {
		s.report(err)
	}
}

// guestError makes the error of a draft out of err. An instance that is beyond
// its budget traps.
func guestError[E error](s *State, err error, noSuchStore, accessDenied E, other func(text string) E) error {
	var (
		denied *DeniedError
		budget *io.BudgetError
	)
	switch {
	case errors.As(err, &budget):
		return budget
	case errors.As(err, &denied):
		s.tellOperator(denied)
		if denied.Unknown {
			return noSuchStore
		}
		return accessDenied
	}
	return other(s.tell(err))
}

func (o *opened) get(key string) (none abi.Option[[]byte], _ error) {
	if err := o.state.limits.checkKey(key); err != nil {
		return none, err
	}
	v, err := o.bucket.Get(o.state.ctx, key)
	if err != nil || !v.Found {
		return none, err
	}
	// Another program may have put it there.
	if err := o.state.limits.checkValue(len(v.Data)); err != nil {
		return none, err
	}
	return abi.Some(v.Data), nil
}

func (o *opened) set(key string, value []byte) error {
	if err := o.state.limits.checkKey(key); err != nil {
		return err
	}
	if err := o.state.limits.checkValue(len(value)); err != nil {
		return err
	}
	return o.bucket.Set(o.state.ctx, key, value)
}

func (o *opened) delete(key string) error {
	if err := o.state.limits.checkKey(key); err != nil {
		return err
	}
	return o.bucket.Delete(o.state.ctx, key)
}

func (o *opened) exists(key string) (bool, error) {
	if err := o.state.limits.checkKey(key); err != nil {
		return false, err
	}
	return o.bucket.Exists(o.state.ctx, key)
}

func (o *opened) keys(cursor uint64) (Page, error) {
	return o.bucket.Keys(o.state.ctx, cursor, o.state.limits.Page)
}

func (o *opened) increment(key string, delta int64) (int64, error) {
	if err := o.state.limits.checkKey(key); err != nil {
		return 0, err
	}
	return o.bucket.Increment(o.state.ctx, key, delta)
}

func (o *opened) checkKeys(keys []string) error {
	if err := o.state.limits.checkBatch(len(keys)); err != nil {
		return err
	}
	for _, k := range keys {
		if err := o.state.limits.checkKey(k); err != nil {
			return err
		}
	}
	return nil
}

func (o *opened) getMany(keys []string) ([]abi.Option[abi.Tuple2[string, []byte]], error) {
	if err := o.checkKeys(keys); err != nil {
		return nil, err
	}
	values, err := o.bucket.GetMany(o.state.ctx, keys, o.state.limits.BatchBytes)
	if err != nil {
		return nil, err
	}
	if len(values) != len(keys) {
		return nil, fmt.Errorf("the store has %d values for %d keys", len(values), len(keys))
	}
	out := make([]abi.Option[abi.Tuple2[string, []byte]], len(keys))
	for i, v := range values {
		if v.Found {
			out[i] = abi.Some(abi.Tuple2[string, []byte]{F0: keys[i], F1: v.Data})
		}
	}
	return out, nil
}

func (o *opened) setMany(keyValues []abi.Tuple2[string, []byte]) error {
	l := &o.state.limits
	if err := l.checkBatch(len(keyValues)); err != nil {
		return err
	}
	pairs := make([]Pair, len(keyValues))
	total := int64(0)
	for i, kv := range keyValues {
		if err := l.checkKey(kv.F0); err != nil {
			return err
		}
		if err := l.checkValue(len(kv.F1)); err != nil {
			return err
		}
		total += int64(len(kv.F1))
		pairs[i] = Pair{Key: kv.F0, Value: kv.F1}
	}
	if err := l.checkBatchBytes(total); err != nil {
		return err
	}
	return o.bucket.SetMany(o.state.ctx, pairs)
}

func (o *opened) deleteMany(keys []string) error {
	if err := o.checkKeys(keys); err != nil {
		return err
	}
	return o.bucket.DeleteMany(o.state.ctx, keys)
}

// comparison is a compare-and-swap under way: what the key had when it began.
type comparison struct {
	opened
	key     string
	old     Snapshot
	charged int
}

// compare begins a comparison.
func (o *opened) compare(key string) (*comparison, error) {
	if err := o.state.limits.checkKey(key); err != nil {
		return nil, err
	}
	if err := o.state.acquire(); err != nil {
		return nil, err
	}
	c := &comparison{opened: *o, key: key}
	if err := c.refresh(); err != nil {
		c.end()
		return nil, err
	}
	return c, nil
}

// refresh takes the snapshot anew.
func (c *comparison) refresh() error {
	old, err := c.bucket.Snapshot(c.state.ctx, c.key)
	if err != nil {
		return err
	}
	if err := c.state.limits.checkValue(len(old.Data)); err != nil {
		return err
	}
	c.state.budget.Give(c.charged)
	c.charged = 0
	n := len(old.Data) + len(c.key)
	if err := c.state.budget.Take(n); err != nil {
		return err
	}
	c.charged, c.old = n, old
	return nil
}

// swap says whether it set the key. If it did not, c has been refreshed, and
// may be tried again; or else c has ended.
func (c *comparison) swap(value []byte) (bool, error) {
	err := c.state.limits.checkValue(len(value))
	swapped := false
	if err == nil {
		swapped, err = c.bucket.Swap(c.state.ctx, c.key, c.old, value)
	}
	if err == nil && !swapped {
		err = c.refresh()
	}
	if err != nil || swapped {
		c.end()
	}
	return swapped, err
}

// end releases what c holds.
func (c *comparison) end() {
	c.state.budget.Give(c.charged)
	c.charged = 0
	c.old = Snapshot{}
	c.state.release()
}
