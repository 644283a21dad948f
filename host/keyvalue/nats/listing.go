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
	for {
		p, err := b.page(ctx, st, cursor, limit)
		switch {
		case errors.Is(err, errElsewhere):
			continue
		case !errors.Is(err, nats.ErrNoResponders):
			return p, b.store.explain(err)
		}
		// In a cluster it takes a moment until a new consumer is known everywhere.
		select {
		case <-ctx.Done():
			return keyvalue.Page{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// errElsewhere: the server chose a replica for a consumer, by lot, that may be
// behind. Its page may have what is deleted, and lack what was written.
var errElsewhere = errors.New("the consumer is not at the leader of the stream")

// atLeader says whether a consumer reads from the leader of its stream: what is
// acknowledged is there. No request of JetStream asks for that place.
func (st *stream) atLeader(ctx context.Context, consumer *jetstream.ConsumerInfo) (bool, error) {
	if st.direct || consumer.Cluster == nil {
		return true, nil
	}
	info, err := st.Info(ctx)
	if err != nil || info.Cluster == nil {
		return false, err
	}
	return info.Cluster.Leader == consumer.Cluster.Leader, nil
}

// page lists through a consumer that lives as long as that takes.
func (b *bucket) page(ctx context.Context, st *stream, cursor uint64, limit int) (p keyvalue.Page, err error) {
	consumer, err := st.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubject: b.subject + ">", HeadersOnly: true,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: cursor + 1,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, InactiveThreshold: 2 * b.store.timeout,
	})
	if err != nil {
		return p, err
	}
	info := consumer.CachedInfo()
	defer func() {
		if ctx.Err() == nil { // or else it goes away by itself
			_ = st.DeleteConsumer(ctx, info.Name)
		}
	}()
	if leader, err := st.atLeader(ctx, info); err != nil {
		return p, err
	} else if !leader {
		return p, errElsewhere
	}
	if info.NumPending == 0 {
		return p, nil
	}
	messages, err := consumer.FetchNoWait(limit)
	if err != nil {
		return p, err
	}
	reached, pending := uint64(0), uint64(0)
	for {
		var m jetstream.Msg
		more := false
		select {
		case m, more = <-messages.Messages():
		case <-ctx.Done():
			return keyvalue.Page{}, ctx.Err()
		}
		if !more {
			break
		}
		at, err := m.Metadata()
		if err != nil {
			return keyvalue.Page{}, err
		}
		reached, pending = at.Sequence.Stream, at.NumPending
		if key, err := decode(m.Subject()[len(b.subject):]); err == nil && !deleted(m.Headers()) {
			p.Keys = append(p.Keys, key)
		}
	}
	if err := messages.Error(); err != nil {
		return keyvalue.Page{}, err
	}
	if reached == 0 {
		return p, errors.New("the NATS server did not send the keys that it has")
	}
	if pending > 0 {
		p.Cursor = reached
	}
	return p, nil
}
