package keyvalue

import (
	"context"
	"fmt"
	"strconv"

	wit "github.com/godwit-runtime/godwit/bindings/draft2/wasikeyvalue"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// Draft2 is the face of a State for wasi:keyvalue@0.2.0-draft2.
type Draft2 struct{ *State }

// draft2Error is err as the error of the interface; nil stays nil.
func draft2Error(s *State, err error) error {
	if err == nil {
		return nil
	}
	return guestError(s, err, wit.Error{Tag: wit.ErrorNoSuchStore}, wit.Error{Tag: wit.ErrorAccessDenied},
		func(text string) wit.Error { return wit.Error{Tag: wit.ErrorOther, Other: text} })
}

// Draft2Bucket is the resource bucket of draft2.
type Draft2Bucket struct{ opened }

// Open implements wit.StoreHost.
func (d Draft2) Open(_ context.Context, identifier string) (wit.Bucket, error) {
	o, err := d.open(identifier)
	if err != nil {
		return nil, draft2Error(d.State, err)
	}
	return &Draft2Bucket{o}, nil
}

// Get implements wit.Bucket.
func (b *Draft2Bucket) Get(_ context.Context, key string) (abi.Option[[]byte], error) {
	v, err := b.get(key)
	return v, draft2Error(b.state, err)
}

// Set implements wit.Bucket.
func (b *Draft2Bucket) Set(_ context.Context, key string, value []byte) error {
	return draft2Error(b.state, b.set(key, value))
}

// Delete implements wit.Bucket.
func (b *Draft2Bucket) Delete(_ context.Context, key string) error {
	return draft2Error(b.state, b.delete(key))
}

// Exists implements wit.Bucket.
func (b *Draft2Bucket) Exists(_ context.Context, key string) (bool, error) {
	ok, err := b.exists(key)
	return ok, draft2Error(b.state, err)
}

// ListKeys implements wit.Bucket. The cursor of the interface is that of the
// store in decimal digits.
func (b *Draft2Bucket) ListKeys(_ context.Context, cursor abi.Option[string]) (r wit.KeyResponse, err error) {
	from := uint64(0)
	if cursor.Some {
		if from, err = parseCursor(cursor.Value); err != nil {
			return r, draft2Error(b.state, err)
		}
	}
	page, err := b.keys(from)
	if err != nil {
		return r, draft2Error(b.state, err)
	}
	r.Keys = page.Keys
	if page.Cursor != 0 {
		r.Cursor = abi.Some(strconv.FormatUint(page.Cursor, 10))
	}
	return r, nil
}

// parseCursor reads a cursor as ListKeys wrote it.
func parseCursor(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 || s[0] == '0' {
		return 0, ErrCursor
	}
	return n, nil
}

// Drop implements wit.Bucket.
func (b *Draft2Bucket) Drop(context.Context) { b.state.release() }

// foreign traps because a resource is of another implementation.
func foreign(resource string, v any) error {
	return fmt.Errorf("%s is a %T, not one of this host's", resource, v)
}

func draft2Bucket(b wit.Bucket) (*Draft2Bucket, error) {
	own, ok := b.(*Draft2Bucket)
	if !ok {
		return nil, foreign("bucket", b)
	}
	return own, nil
}

// Increment implements wit.AtomicsHost.
func (Draft2) Increment(_ context.Context, bucket wit.Bucket, key string, delta int64) (int64, error) {
	b, err := draft2Bucket(bucket)
	if err != nil {
		return 0, err
	}
	n, err := b.increment(key, delta)
	return n, draft2Error(b.state, err)
}

// Draft2Cas is the resource cas.
type Draft2Cas struct{ comparison *comparison }

// CasNew implements wit.AtomicsHost.
func (Draft2) CasNew(_ context.Context, bucket wit.Bucket, key string) (wit.Cas, error) {
	b, err := draft2Bucket(bucket)
	if err != nil {
		return nil, err
	}
	c, err := b.compare(key)
	if err != nil {
		return nil, draft2Error(b.state, err)
	}
	return &Draft2Cas{c}, nil
}

// Current implements wit.Cas: what the key had when the handle was made.
func (c *Draft2Cas) Current(context.Context) (abi.Option[[]byte], error) {
	old := c.comparison.old
	return abi.Option[[]byte]{Some: old.Found, Value: old.Data}, nil
}

// Drop implements wit.Cas.
func (c *Draft2Cas) Drop(context.Context) { c.comparison.end() }

// Swap implements wit.AtomicsHost. It consumes cas; the handle of cas-failed is
// a new one for the same comparison, which has been refreshed.
func (Draft2) Swap(_ context.Context, cas wit.Cas, value []byte) error {
	c, ok := cas.(*Draft2Cas)
	if !ok {
		return foreign("cas", cas)
	}
	swapped, err := c.comparison.swap(value)
	switch {
	case err != nil:
		err = draft2Error(c.comparison.state, err)
		if e, ok := err.(wit.Error); ok {
			return wit.CasError{Tag: wit.CasErrorStoreError, StoreError: e}
		}
		return err
	case !swapped:
		return wit.CasError{Tag: wit.CasErrorCasFailed, CasFailed: c}
	}
	return nil
}

// GetMany implements wit.BatchHost.
func (Draft2) GetMany(_ context.Context, bucket wit.Bucket, keys []string) ([]abi.Option[abi.Tuple2[string, []byte]], error) {
	b, err := draft2Bucket(bucket)
	if err != nil {
		return nil, err
	}
	v, err := b.getMany(keys)
	return v, draft2Error(b.state, err)
}

// SetMany implements wit.BatchHost.
func (Draft2) SetMany(_ context.Context, bucket wit.Bucket, keyValues []abi.Tuple2[string, []byte]) error {
	b, err := draft2Bucket(bucket)
	if err != nil {
		return err
	}
	return draft2Error(b.state, b.setMany(keyValues))
}

// DeleteMany implements wit.BatchHost.
func (Draft2) DeleteMany(_ context.Context, bucket wit.Bucket, keys []string) error {
	b, err := draft2Bucket(bucket)
	if err != nil {
		return err
	}
	return draft2Error(b.state, b.deleteMany(keys))
}
