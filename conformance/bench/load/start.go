package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// firstAnswer measures from the start of a process to its first answer, with
// what it compiled in an earlier run at hand.
func firstAnswer(ctx context.Context, o *options) (*table, error) {
	n := o.rounds * 4
	t := &table{Case: "start", About: fmt.Sprintf("from the start of godwit serve to its first answer, with compiled code in the cache; median of %d", n)}
	cache, err := os.MkdirTemp("", "godwit-load")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(cache)
	for _, c := range httpCases {
		if !slices.Contains([]string{"hello", "api", "javascript"}, c.name) || c.present(o) != nil {
			continue
		}
		for _, spec := range o.servers("") {
			args := append(spec.args, "--cache-dir", cache)
			cold, err := startOnce(ctx, spec.name, args, o.file(c.wasm), c.request())
			if err != nil {
				return nil, err
			}
			var warm histogram
			for range n {
				d, err := startOnce(ctx, spec.name, args, o.file(c.wasm), c.request())
				if err != nil {
					return nil, err
				}
				warm.add(d)
			}
			t.Rows = append(t.Rows, row{Name: c.name + ", " + spec.name, Figures: append(quantiles(&warm), duration("cold", cold))})
		}
	}
	return t, ctx.Err()
}

func startOnce(ctx context.Context, name string, args []string, wasm string, request []byte) (time.Duration, error) {
	begin := time.Now()
	s, err := start(ctx, name, args, wasm, nil)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	_, err = s.ready(request)
	return time.Since(begin), err
}
