package main

import (
	"math/bits"
	"time"
)

// A histogram counts durations in buckets that are each a 64th of a power of two
// wide, or finer: a quantile is right within 1.6 %.
type histogram struct {
	buckets [64 * 64]uint32
	count   uint64
	max     time.Duration
}

const fine = 6 // bits of a duration that a bucket tells apart

func bucket(d time.Duration) int {
	v := uint64(max(d, 0))
	shift := max(0, bits.Len64(v)-fine-1)
	return shift<<fine + int(v>>shift)
}

// upper is the longest duration of a bucket.
func upper(b int) time.Duration {
	shift := max(0, b>>fine-1)
	return time.Duration((uint64(b-shift<<fine)+1)<<shift - 1)
}

func (h *histogram) add(d time.Duration) {
	h.buckets[bucket(d)]++
	h.count++
	h.max = max(h.max, d)
}

func (h *histogram) merge(o *histogram) {
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
	h.count += o.count
	h.max = max(h.max, o.max)
}

// quantile is the duration that a part q of all does not exceed; 0 of none.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.count))
	var n uint64
	for i, k := range h.buckets {
		if n += uint64(k); n > rank {
			return min(upper(i), h.max)
		}
	}
	return h.max
}
