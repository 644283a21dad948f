package main

import (
	"testing"
	"time"
)

func TestQuantilesAreRightWithinABucket(t *testing.T) {
	var h histogram
	for k := 1; k <= 1000; k++ {
		h.add(time.Duration(k) * time.Microsecond)
	}
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{{0, time.Microsecond}, {0.5, 501 * time.Microsecond}, {0.99, 991 * time.Microsecond}, {1, time.Millisecond}} {
		got := h.quantile(c.q)
		if got < c.want || got > c.want+c.want/60 {
			t.Errorf("quantile %v is %v, wanted %v", c.q, got, c.want)
		}
	}
}

func TestEveryDurationIsInABucketThatHoldsIt(t *testing.T) {
	for _, d := range []time.Duration{-1, 0, 1, 63, 64, 127, 128, 129, 1 << 20, 1<<40 - 1, 1<<63 - 1} {
		b := bucket(d)
		if b < 0 || b >= len(histogram{}.buckets) {
			t.Fatalf("%d is in bucket %d", d, b)
		}
		if upper(b) < d || b > 0 && upper(b-1) >= max(d, 0) {
			t.Errorf("%d is in bucket %d, which is up to %d", d, b, upper(b))
		}
	}
}

func TestMergedHistogramsAreOne(t *testing.T) {
	var a, b histogram
	a.add(time.Second)
	b.add(time.Millisecond)
	b.add(time.Millisecond)
	a.merge(&b)
	if got := a.quantile(0.5); a.count != 3 || a.max != time.Second || got > 2*time.Millisecond {
		t.Errorf("count %d, max %v, median %v", a.count, a.max, got)
	}
}
