package keyvalue

import (
	"fmt"
	"strconv"
)

// Limits bound what a guest asks of a store. A zero field means the default.
type Limits struct {
	Key        int   // bytes of a key
	Value      int   // bytes of a value
	Batch      int   // keys of one batch
	BatchBytes int64 // bytes of the values of one batch
	Handles    int   // buckets and compare-and-swap handles that an instance has open
	Page       int   // keys in one page of a listing, about
}

// The default Limits. The one on values is what a NATS server takes as it comes.
const (
	DefaultMaxKey        = 1 << 10
	DefaultMaxValue      = 1<<20 - 4<<10
	DefaultMaxBatch      = 1000
	DefaultMaxBatchBytes = 8 << 20
	DefaultMaxHandles    = 256
	DefaultPage          = 500
)

func (l Limits) withDefaults() Limits {
	return Limits{
		Key:        positive(l.Key, DefaultMaxKey),
		Value:      positive(l.Value, DefaultMaxValue),
		Batch:      positive(l.Batch, DefaultMaxBatch),
		BatchBytes: positive(l.BatchBytes, DefaultMaxBatchBytes),
		Handles:    positive(l.Handles, DefaultMaxHandles),
		Page:       positive(l.Page, DefaultPage),
	}
}

func positive[T int | int64](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// LimitError is the error of an operation that goes beyond a limit. Nothing was
// changed, except by a batch.
type LimitError struct {
	What  string // "key", "value", "batch", …
	Unit  string // "bytes", "keys"
	Got   int64
	Limit int64
	Fix   string // what to do about it
}

func (e *LimitError) Error() string {
	s := fmt.Sprintf("the %s has %d %s; the limit is %d", e.What, e.Got, e.Unit, e.Limit)
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return s
}

func (l *Limits) checkKey(key string) error { return CheckKey(key, l.Key) }

// CheckKey is a *LimitError if key has more than limit bytes.
func CheckKey(key string, limit int) error {
	if len(key) > limit {
		return &LimitError{What: "key", Unit: "bytes", Got: int64(len(key)), Limit: int64(limit), Fix: "use a shorter key"}
	}
	return nil
}

func (l *Limits) checkValue(n int) error {
	if n > l.Value {
		return &LimitError{What: "value", Unit: "bytes", Got: int64(n), Limit: int64(l.Value),
			Fix: "split it, or raise the limit with --keyvalue-max-value"}
	}
	return nil
}

func (l *Limits) checkBatch(n int) error {
	if n > l.Batch {
		return &LimitError{What: "batch", Unit: "keys", Got: int64(n), Limit: int64(l.Batch), Fix: "split it"}
	}
	return nil
}

func (l *Limits) checkBatchBytes(n int64) error {
	if n > l.BatchBytes {
		return BatchError(n, l.BatchBytes)
	}
	return nil
}

// BatchError is the error of a batch whose values have more bytes than they may.
func BatchError(got, limit int64) error {
	return &LimitError{What: "batch", Unit: "bytes", Got: got, Limit: limit, Fix: "split it"}
}

// NumberError is the error of an increment that cannot be made. Nothing was
// changed, except by one that is Negative.
type NumberError struct {
	Key      string
	Overflow bool // the sum does not fit
	// Negative says that the sum, which was made, is below 0, and the interface
	// has no such number.
	Negative bool
	// With neither, the value is not a number.
}

func (e *NumberError) Error() string {
	switch {
	case e.Overflow:
		return fmt.Sprintf("key %.100q: the sum is not a number of 64 bits with a sign", e.Key)
	case e.Negative:
		return fmt.Sprintf("key %.100q: the sum is below 0, which this version of wasi:keyvalue cannot say", e.Key)
	}
	return fmt.Sprintf("key %.100q: its value is not a whole number in decimal notation", e.Key)
}

// ParseNumber reads a value as what Increment adds to: decimal digits without
// leading zeros, after a minus sign for numbers below 0. It is what Redis takes.
func ParseNumber(key string, v []byte) (int64, error) {
	if len(v) <= 20 {
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err == nil && string(strconv.AppendInt(nil, n, 10)) == string(v) {
			return n, nil
		}
	}
	return 0, &NumberError{Key: key}
}

// Add is the number that Increment stores: what v holds, plus delta.
func Add(key string, v Value, delta int64) (int64, error) {
	n := int64(0)
	if v.Found {
		var err error
		if n, err = ParseNumber(key, v.Data); err != nil {
			return 0, err
		}
	}
	if sum := n + delta; (sum > n) == (delta > 0) {
		return sum, nil
	}
	return 0, &NumberError{Key: key, Overflow: true}
}

// FormatNumber is how Increment stores a number.
func FormatNumber(n int64) []byte { return strconv.AppendInt(nil, n, 10) }
