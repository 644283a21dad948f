package keyvalue

import (
	"context"
	"math"

	wit "github.com/godwit-runtime/godwit/bindings/draft/wasikeyvalue"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// Draft is the face of a State for wasi:keyvalue@0.2.0-draft. It has no
// compare-and-swap.
type Draft struct{ *State }

// draftError is err as the error of the interface; nil stays nil.
func draftError(s *State, err error) error {
	if err == nil {
		return nil
	}
	return guestError(s, err, wit.Error{Tag: wit.ErrorNoSuchStore}, wit.Error{Tag: wit.ErrorAccessDenied},
		func(text string) wit.Error { return wit.Error{Tag: wit.ErrorOther, Other: text} })
}

// DraftBucket is the resource bucket of draft.
type DraftBucket struct{ opened }

// Open implements wit.StoreHost.
func (d Draft) Open(_ context.Context, identifier string) (wit.Bucket, error) {
	o, err := d.open(identifier)
	if err != nil {
		return nil, draftError(d.State, err)
	}
	return &DraftBucket{o}, nil
}

// Get implements wit.Bucket.
func (b *DraftBucket) Get(_ context.Context, key string) (abi.Option[[]byte], error) {
	v, err := b.get(key)
	return v, draftError(b.state, err)
}

// Set implements wit.Bucket.
func (b *DraftBucket) Set(_ context.Context, key string, value []byte) error {
	return draftError(b.state, b.set(key, value))
}

// Delete implements wit.Bucket.
func (b *DraftBucket) Delete(_ context.Context, key string) error {
	return draftError(b.state, b.delete(key))
}

// Exists implements wit.Bucket.
func (b *DraftBucket) Exists(_ context.Context, key string) (bool, error) {
	ok, err := b.exists(key)
	return ok, draftError(b.state, err)
}

// ListKeys implements wit.Bucket.
func (b *DraftBucket) ListKeys(_ context.Context, cursor abi.Option[uint64]) (r wit.KeyResponse, err error) {
	page, err := b.keys(cursor.Value)
	if err != nil {
		return r, draftError(b.state, err)
	}
	r.Keys = page.Keys
	r.Cursor = abi.Option[uint64]{Some: page.Cursor != 0, Value: page.Cursor}
	return r, nil
}

// Drop implements wit.Bucket.
func (b *DraftBucket) Drop(context.Context) { b.state.release() }

func draftBucket(b wit.Bucket) (*DraftBucket, error) {
	own, ok := b.(*DraftBucket)
	if !ok {
		return nil, foreign("bucket", b)
	}
	return own, nil
}

// Increment implements wit.AtomicsHost. Stores count with a sign, as draft2 does:
// what is beyond that, and a sum below 0, is an error.
func (Draft) Increment(_ context.Context, bucket wit.Bucket, key string, delta uint64) (uint64, error) {
	b, err := draftBucket(bucket)
	if err != nil {
		return 0, err
	}
	if delta > math.MaxInt64 {
		return 0, draftError(b.state, &NumberError{Key: key, Overflow: true})
	}
	n, err := b.increment(key, int64(delta))
	if err == nil && n < 0 {
		err = &NumberError{Key: key, Negative: true}
	}
	if err != nil {
		return 0, draftError(b.state, err)
	}
	return uint64(n), nil
}

// GetMany implements wit.BatchHost.
func (Draft) GetMany(_ context.Context, bucket wit.Bucket, keys []string) ([]abi.Option[abi.Tuple2[string, []byte]], error) {
	b, err := draftBucket(bucket)
	if err != nil {
		return nil, err
	}
	v, err := b.getMany(keys)
	return v, draftError(b.state, err)
}

// SetMany implements wit.BatchHost.
func (Draft) SetMany(_ context.Context, bucket wit.Bucket, keyValues []abi.Tuple2[string, []byte]) error {
	b, err := draftBucket(bucket)
	if err != nil {
		return err
	}
	return draftError(b.state, b.setMany(keyValues))
}

// DeleteMany implements wit.BatchHost.
func (Draft) DeleteMany(_ context.Context, bucket wit.Bucket, keys []string) error {
	b, err := draftBucket(bucket)
	if err != nil {
		return err
	}
	return draftError(b.state, b.deleteMany(keys))
}
