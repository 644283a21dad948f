package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// bucket implements keyvalue.Bucket and keyvalue.Watcher.
type bucket struct {
	store   *Store
	prefix  string // of keys of the bucket of JetStream
	subject string // the same, as a subject
}

// maxKey is the longest key. Each of its bytes may take three in a subject, and a
// server ends a connection on which a command has more than 4096 bytes beside its
// payload.
const maxKey = 1 << 10

// of is the subject of a key.
func (b *bucket) of(key string) (string, error) {
	return b.subject + encode(key), keyvalue.CheckKey(key, maxKey)
}

// begin bounds an operation in time and finds the stream.
func (b *bucket) begin(ctx context.Context) (context.Context, context.CancelFunc, *stream, error) {
	if err := ctx.Err(); err != nil {
		return ctx, func() {}, nil, err
	}
	ctx, end := context.WithTimeout(ctx, b.store.timeout)
	st, err := b.store.stream(ctx)
	return ctx, end, st, err
}

// The headers by which a message says that its key is deleted.
const (
	operation = "KV-Operation"
	marker    = "Nats-Marker-Reason"
)

func deleted(h nats.Header) bool { return h.Get(operation) != "" || h.Get(marker) != "" }

// last is what a key has, with the revision of that, also where it was deleted.
func (st *stream) last(ctx context.Context, s *Store, subject string) (k keyvalue.Snapshot, err error) {
	var m *jetstream.RawStreamMsg
	if st.direct {
		m, err = st.GetLastMsgForSubject(ctx, subject)
	} else {
		m, err = s.lastOfLeader(ctx, st.name, subject)
	}
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return k, nil
	case err != nil:
		return k, s.explain(err)
	}
	k.Revision = m.Sequence
	if !deleted(m.Header) {
		k.Found, k.Data = true, m.Data
	}
	return k, nil
}

// lastOfLeader asks the leader of a stream. The library asks any of its servers if
// the stream allows that, and buckets do.
func (s *Store) lastOfLeader(ctx context.Context, stream, subject string) (*jetstream.RawStreamMsg, error) {
	question, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return nil, err
	}
	reply, err := s.conn.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, question)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Sequence uint64 `json:"seq"`
			Header   []byte `json:"hdrs"`
			Data     []byte `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return nil, fmt.Errorf("the NATS server answers what is not JSON: %w", err)
	}
	switch {
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, jetstream.ErrMsgNotFound
	case answer.Error != nil:
		return nil, answer.Error
	case answer.Message == nil:
		return nil, errors.New("the NATS server answers without a message")
	}
	m := &jetstream.RawStreamMsg{Subject: subject, Sequence: answer.Message.Sequence, Data: answer.Message.Data}
	if len(answer.Message.Header) > 0 {
		if m.Header, err = nats.DecodeHeadersMsg(answer.Message.Header); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Snapshot implements keyvalue.Bucket.
func (b *bucket) Snapshot(ctx context.Context, key string) (k keyvalue.Snapshot, err error) {
	subject, err := b.of(key)
	if err != nil {
		return k, err
	}
	ctx, end, st, err := b.begin(ctx)
	defer end()
	if err != nil {
		return k, err
	}
	return st.last(ctx, b.store, subject)
}

// Get implements keyvalue.Bucket.
func (b *bucket) Get(ctx context.Context, key string) (keyvalue.Value, error) {
	k, err := b.Snapshot(ctx, key)
	return k.Value, err
}

// Exists implements keyvalue.Bucket.
func (b *bucket) Exists(ctx context.Context, key string) (bool, error) {
	k, err := b.Snapshot(ctx, key)
	return k.Found, err
}

// Set implements keyvalue.Bucket.
func (b *bucket) Set(ctx context.Context, key string, value []byte) error {
	subject, err := b.of(key)
	if err != nil {
		return err
	}
	ctx, end, _, err := b.begin(ctx)
	defer end()
	if err == nil {
		_, err = b.store.js.Publish(ctx, subject, value)
	}
	return b.store.explain(err)
}

// SetMany implements keyvalue.Bucket. It does not wait between pairs.
func (b *bucket) SetMany(ctx context.Context, pairs []keyvalue.Pair) error {
	ctx, end, _, err := b.begin(ctx)
	defer end()
	if err != nil {
		return err
	}
	acks := make([]jetstream.PubAckFuture, 0, len(pairs))
	for _, p := range pairs {
		subject, err := b.of(p.Key)
		if err != nil {
			return err
		}
		ack, err := b.store.js.PublishAsync(subject, p.Value)
		if err != nil {
			return b.store.explain(err)
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return b.store.explain(err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// publishAt publishes m if the revision of its subject is still revision.
func (b *bucket) publishAt(ctx context.Context, st *stream, m *nats.Msg, revision uint64) (bool, error) {
	for {
		_, err := b.store.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(revision))
		var api *jetstream.APIError
		if !errors.As(err, &api) || api.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence && api.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequenceConstant {
			return err == nil, b.store.explain(err)
		}
		// A stream with replicas refuses also what comes while the message before is
		// still on its way to them, although that one is acknowledged.
		now, err := st.last(ctx, b.store, m.Subject)
		if err != nil || now.Revision != revision {
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// Swap implements keyvalue.Bucket.
func (b *bucket) Swap(ctx context.Context, key string, old keyvalue.Snapshot, value []byte) (bool, error) {
	subject, err := b.of(key)
	if err != nil {
		return false, err
	}
	ctx, end, st, err := b.begin(ctx)
	defer end()
	if err != nil {
		return false, err
	}
	return b.publishAt(ctx, st, &nats.Msg{Subject: subject, Data: value}, old.Revision)
}

// Increment implements keyvalue.Bucket.
func (b *bucket) Increment(ctx context.Context, key string, delta int64) (int64, error) {
	subject, err := b.of(key)
	if err != nil {
		return 0, err
	}
	ctx, end, st, err := b.begin(ctx)
	defer end()
	if err != nil {
		return 0, err
	}
	unlock, err := b.store.lock(ctx, subject)
	if err != nil {
		return 0, err
	}
	defer unlock()
	for {
		old, err := st.last(ctx, b.store, subject)
		if err != nil {
			return 0, err
		}
		n, err := keyvalue.Add(key, old.Value, delta)
		if err != nil {
			return 0, err
		}
		ok, err := b.publishAt(ctx, st, &nats.Msg{Subject: subject, Data: keyvalue.FormatNumber(n)}, old.Revision)
		if ok || err != nil {
			return n, err
		}
	}
}

// Delete implements keyvalue.Bucket. It leaves a marker, by which watchers see
// it; a key that is not there gets none.
func (b *bucket) Delete(ctx context.Context, key string) error {
	ctx, end, st, err := b.begin(ctx)
	defer end()
	if err != nil {
		return err
	}
	return b.delete(ctx, st, key)
}

func (b *bucket) delete(ctx context.Context, st *stream, key string) error {
	subject, err := b.of(key)
	if err != nil {
		return err
	}
	old, err := st.last(ctx, b.store, subject)
	if err != nil || !old.Found {
		return err
	}
	m := nats.NewMsg(subject)
	m.Header.Set(operation, "PURGE")
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	var options []jetstream.PublishOpt
	if st.marks {
		options = append(options, jetstream.WithMsgTTL(markTTL))
	}
	_, err = b.store.js.PublishMsg(ctx, m, options...)
	return b.store.explain(err)
}

// inFlight is how many requests of one batch are under way at once.
const inFlight = 8

// each calls f for 0 to n-1, some at once, until one fails.
func each(n int, f func(i int) error) error {
	var (
		wg    sync.WaitGroup
		next  atomic.Int64
		once  sync.Once
		first error
	)
	for range min(n, inFlight) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := f(i); err != nil {
					once.Do(func() { first = err })
					next.Store(int64(n))
					return
				}
			}
		})
	}
	wg.Wait()
	return first
}

// DeleteMany implements keyvalue.Bucket.
func (b *bucket) DeleteMany(ctx context.Context, keys []string) error {
	ctx, end, st, err := b.begin(ctx)
	defer end()
	if err != nil {
		return err
	}
	return each(len(keys), func(i int) error { return b.delete(ctx, st, keys[i]) })
}

// GetMany implements keyvalue.Bucket. The values that are under way when the limit
// is reached come on top of it.
func (b *bucket) GetMany(ctx context.Context, keys []string, limit int64) ([]keyvalue.Value, error) {
	ctx, end, st, err := b.begin(ctx)
	defer end()
	if err != nil {
		return nil, err
	}
	values := make([]keyvalue.Value, len(keys))
	var total atomic.Int64
	err = each(len(keys), func(i int) error {
		subject, err := b.of(keys[i])
		if err != nil {
			return err
		}
		k, err := st.last(ctx, b.store, subject)
		if err != nil {
			return err
		}
		values[i] = k.Value
		if n := total.Add(int64(len(k.Data))); n > limit {
			return keyvalue.BatchError(n, limit)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return values, nil
}

// Watch implements keyvalue.Watcher.
func (b *bucket) Watch(ctx context.Context, ready func(), event func(keyvalue.Event)) error {
	opening, end, _, err := b.begin(ctx)
	defer end()
	if err != nil {
		return err
	}
	kv, err := b.store.js.KeyValue(opening, b.store.bucket)
	if err != nil {
		return b.store.explain(err)
	}
	w, err := kv.Watch(opening, b.prefix+">", jetstream.UpdatesOnly())
	if err != nil {
		return b.store.explain(err)
	}
	defer w.Stop()
	ready()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-w.Updates():
			if !ok {
				return errors.Join(ctx.Err(), keyvalue.ErrClosed)
			}
			if e == nil {
				continue
			}
			if key, err := decode(e.Key()[len(b.prefix):]); err == nil {
				event(keyvalue.Event{Key: key, Deleted: e.Operation() != jetstream.KeyValuePut, Value: e.Value()})
			}
		}
	}
}
