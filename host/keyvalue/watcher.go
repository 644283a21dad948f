package keyvalue

import (
	"context"

	draft "github.com/godwit-runtime/godwit/bindings/draft/wasikeyvalue"
	draft2 "github.com/godwit-runtime/godwit/bindings/draft2/wasikeyvalue"
	"github.com/godwit-runtime/godwit/engine"
)

// WatcherExport calls what a component exports as wasi:keyvalue/watcher, of
// either draft. If it has both, draft2 is called.
type WatcherExport struct {
	draft  *draft.WatcherExport
	draft2 *draft2.WatcherExport
}

// FindWatcher finds the export. It is nil if there is none.
func FindWatcher(l *engine.Linked) (*WatcherExport, error) {
	var x WatcherExport
	var err error
	if _, none := l.Interface("wasi:keyvalue/watcher@0.2.0-draft"); none == nil {
		if x.draft, err = draft.FindWatcher(l); err != nil {
			return nil, err
		}
	}
	if _, none := l.Interface("wasi:keyvalue/watcher@0.2.0-draft2"); none == nil {
		if x.draft2, err = draft2.FindWatcher(l); err != nil {
			return nil, err
		}
	}
	if x.draft == nil && x.draft2 == nil {
		return nil, nil
	}
	return &x, nil
}

// Notify passes e on to an instance, whose host s is part of, with a handle of
// the bucket b in which it happened.
func (x *WatcherExport) Notify(ctx context.Context, inst *engine.Instance, s *State, b Bucket, e Event) error {
	if err := s.acquire(); err != nil {
		return err
	}
	o := opened{state: s, bucket: b}
	switch {
	case x.draft2 != nil && e.Deleted:
		return x.draft2.OnDelete(ctx, inst, &Draft2Bucket{o}, e.Key)
	case x.draft2 != nil:
		return x.draft2.OnSet(ctx, inst, &Draft2Bucket{o}, e.Key, e.Value)
	case e.Deleted:
		return x.draft.OnDelete(ctx, inst, &DraftBucket{o}, e.Key)
	}
	return x.draft.OnSet(ctx, inst, &DraftBucket{o}, e.Key, e.Value)
}
