package filesystem

import (
	"context"
	"math"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

// SetTimes implements wasifilesystem.Descriptor.
func (d *descriptor) SetTimes(_ context.Context, accessed, modified wasifilesystem.NewTimestamp) error {
	if d.preopen.ReadOnly {
		return d.files.deniedReadOnly(d.preopen)
	}
	f, err := d.open()
	if err != nil {
		return err
	}
	a, m, err := instants(accessed, modified)
	if err != nil {
		return err
	}
	return result(setTimes(f, a, m))
}

// SetTimesAt implements wasifilesystem.Descriptor.
func (d *descriptor) SetTimesAt(_ context.Context, pathFlags wasifilesystem.PathFlags, path string, accessed, modified wasifilesystem.NewTimestamp) error {
	h, err := d.mutable(path)
	if err != nil {
		return err
	}
	a, m, err := instants(accessed, modified)
	if err != nil {
		return err
	}
	if pathFlags&wasifilesystem.PathFlagsSymlinkFollow != 0 {
		return result(h.root.Chtimes(path, a, m))
	}
	return result(h.setTimesNoFollow(path, a, m))
}

// instants are the times to set; zero leaves one as it is.
func instants(accessed, modified wasifilesystem.NewTimestamp) (a, m time.Time, err error) {
	now := time.Now()
	if a, err = instant(accessed, now); err != nil {
		return a, m, err
	}
	m, err = instant(modified, now)
	return a, m, err
}

// instant is a time to set. The systems count in nanoseconds of 64 bits.
func instant(t wasifilesystem.NewTimestamp, now time.Time) (time.Time, error) {
	switch t.Tag {
	case wasifilesystem.NewTimestampNow:
		return now, nil
	case wasifilesystem.NewTimestampTimestamp:
		s, ns := t.Timestamp.Seconds, t.Timestamp.Nanoseconds
		if ns >= 1e9 {
			return time.Time{}, wasifilesystem.ErrorCodeInvalid
		}
		if s >= math.MaxInt64/uint64(time.Second) {
			return time.Time{}, wasifilesystem.ErrorCodeOverflow
		}
		return time.Unix(int64(s), int64(ns)), nil
	}
	return time.Time{}, nil
}
