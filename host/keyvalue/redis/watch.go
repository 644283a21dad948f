package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/redis/go-redis/v9"
)

// Watch implements keyvalue.Watcher, by the server's notifications, which must be
// switched on there. They are not kept: what changes while the connection is
// lost is not seen.
func (b *bucket) Watch(ctx context.Context, ready func(), event func(keyvalue.Event)) error {
	if b.store.cluster != nil {
		return fmt.Errorf("%w in a cluster, where each node tells of its own keys alone", keyvalue.ErrUnwatchable)
	}
	if err := b.notifications(ctx); err != nil {
		return err
	}
	channel := fmt.Sprintf("__keyspace@%d__:%s", b.store.db, b.prefix)
	sub := b.store.client.PSubscribe(ctx, channel+"*")
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	if _, err := sub.Receive(ctx); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	ready()
	for {
		m, err := sub.ReceiveMessage(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, redis.ErrClosed):
			return keyvalue.ErrClosed
		case err != nil: // go-redis connects anew with the next call
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		key, ok := strings.CutPrefix(m.Channel, channel)
		if !ok {
			continue
		}
		b.changed(ctx, key, m.Payload, event)
	}
}

// changed passes one notification on.
func (b *bucket) changed(ctx context.Context, key, what string, event func(keyvalue.Event)) {
	switch what {
	case "set", "incrby":
		// What it has now is what it was set to, or to later.
		if v, err := b.Get(ctx, key); err == nil && v.Found {
			event(keyvalue.Event{Key: key, Value: v.Data})
		}
	case "del", "expired", "evicted":
		event(keyvalue.Event{Key: key, Deleted: true})
	}
}
