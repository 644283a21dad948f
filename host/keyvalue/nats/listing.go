package nats

import (
	"context"
	"errors"
	"time"

	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Keys implements keyvalue.Bucket. A cursor is the revision of the last key of a
// page: a key that is written again gets a later one, and comes again.
func (b *bucket) Keys(ctx context.Context, cursor uint64, limit int) (p keyvalue.Page, err error) {
	if cursor >= 1<<63 {
		return p, keyvalue.ErrCursor
	}
	ctx, end, st, err := b.begin(ctx)
	defer end()
	if err != nil {
		return p, err
	}
	newest := uint64(0)
	if !st.direct { // what lists may be behind what the leader has acknowledged
		m, err := b.store.lastOfLeader(ctx, st.name, b.subject+">")
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return p, nil
		}
		if err != nil {
			return p, b.store.explain(err)
		}
		newest = m.Sequence
	}
	for {
		p, reached, err := b.page(ctx, st, cursor, limit)
		behind := err == nil && p.Cursor == 0 && reached < newest
		// In a cluster it takes a moment until a new consumer is known everywhere.
		if !behind && !errors.Is(err, nats.ErrNoResponders) {
			return p, b.store.explain(err)
		}
		select {
		case <-ctx.Done():
			return keyvalue.Page{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// page lists through a consumer that lives as long as that takes. It says up to
// which revision it has seen the stream.
func (b *bucket) page(ctx context.Context, st *stream, cursor uint64, limit int) (p keyvalue.Page, reached uint64, err error) {
	consumer, err := st.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubject: b.subject + ">", HeadersOnly: true,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: cursor + 1,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, InactiveThreshold: 2 * b.store.timeout,
	})
	if err != nil {
		return p, 0, err
	}
	info := consumer.CachedInfo()
	defer func() {
		if ctx.Err() == nil { // or else it goes away by itself
			_ = st.DeleteConsumer(ctx, info.Name)
		}
	}()
	if info.NumPending == 0 {
		return p, cursor, nil
	}
	messages, err := consumer.FetchNoWait(limit)
	if err != nil {
		return p, 0, err
	}
	pending := uint64(0)
	for {
		var m jetstream.Msg
		more := false
		select {
		case m, more = <-messages.Messages():
		case <-ctx.Done():
			return keyvalue.Page{}, 0, ctx.Err()
		}
		if !more {
			break
		}
		at, err := m.Metadata()
		if err != nil {
			return keyvalue.Page{}, 0, err
		}
		reached, pending = at.Sequence.Stream, at.NumPending
		if key, err := decode(m.Subject()[len(b.subject):]); err == nil && !deleted(m.Headers()) {
			p.Keys = append(p.Keys, key)
		}
	}
	if err := messages.Error(); err != nil {
		return keyvalue.Page{}, 0, err
	}
	if reached == 0 {
		return p, 0, errors.New("the NATS server did not send the keys that it has")
	}
	if pending > 0 {
		p.Cursor = reached
	}
	return p, reached, nil
}
