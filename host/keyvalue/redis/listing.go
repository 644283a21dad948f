package redis

import (
	"context"
	"fmt"
	"hash/fnv"
	"sort"
	"sync"

	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/redis/go-redis/v9"
)

// A cursor is that of SCAN, with the node of the cluster above it, and above that
// something of the nodes that there are: when they change, their cursors are no
// longer good.
const (
	scanBits = 44
	nodeBits = 10
)

// A listing goes through all keys of the server. One page ends after so many
// steps, even if it found nothing: the guest gets a cursor, and other users of
// the server a turn.
const maxScans = 50

// Keys implements keyvalue.Bucket.
func (b *bucket) Keys(ctx context.Context, cursor uint64, limit int) (p keyvalue.Page, err error) {
	ctx, end := b.begin(ctx)
	defer end()
	nodes := []redis.Cmdable{b.store.client}
	stamp := uint64(0)
	if b.store.cluster != nil {
		if nodes, stamp, err = b.store.masters(ctx); err != nil {
			return p, err
		}
	}
	node, scan := int(cursor>>scanBits)&(1<<nodeBits-1), cursor&(1<<scanBits-1)
	if cursor != 0 && (cursor>>(scanBits+nodeBits) != stamp || node >= len(nodes)) {
		return p, keyvalue.ErrCursor
	}
	for range maxScans {
		var keys []string
		keys, scan, err = nodes[node].Scan(ctx, scan, b.prefix+"*", int64(limit)).Result()
		if err != nil {
			return keyvalue.Page{}, err
		}
		for _, k := range keys {
			p.Keys = append(p.Keys, k[len(b.prefix):])
		}
		if scan == 0 {
			node++
		}
		if node == len(nodes) {
			return p, nil
		}
		if len(p.Keys) >= limit/2 && len(p.Keys) > 0 {
			break
		}
	}
	if scan>>scanBits != 0 {
		return keyvalue.Page{}, fmt.Errorf("SCAN has the cursor %d, which is larger than a server with that many keys can be", scan)
	}
	p.Cursor = stamp<<(scanBits+nodeBits) | uint64(node)<<scanBits | scan
	return p, nil
}

// masters are the nodes of the cluster that have keys, in an order that stays the
// same while they do, and a stamp of them of 10 bits that is not 0.
func (s *Store) masters(ctx context.Context) ([]redis.Cmdable, uint64, error) {
	var mu sync.Mutex
	var clients []*redis.Client
	err := s.cluster.ForEachMaster(ctx, func(_ context.Context, c *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		clients = append(clients, c)
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	if len(clients) == 0 || len(clients) >= 1<<nodeBits {
		return nil, 0, fmt.Errorf("the cluster has %d masters", len(clients))
	}
	sort.Slice(clients, func(i, j int) bool { return clients[i].Options().Addr < clients[j].Options().Addr })
	h := fnv.New64a()
	nodes := make([]redis.Cmdable, len(clients))
	for i, c := range clients {
		fmt.Fprintf(h, "%s\n", c.Options().Addr)
		nodes[i] = c
	}
	const stamps = 1<<(64-scanBits-nodeBits) - 1
	return nodes, h.Sum64()%stamps + 1, nil
}
