package io

import "sync"

// BufferSize is the size of a stream's buffer, and the most that one read returns.
const BufferSize = 64 << 10

var buffers = sync.Pool{New: func() any { return new([BufferSize]byte) }}

// ring is a byte queue of fixed size; its owner guards it.
type ring struct {
	buf   *[BufferSize]byte
	start int
	n     int
}

func newRing() *ring { return &ring{buf: buffers.Get().(*[BufferSize]byte)} }

// recycle gives the buffer back. Nobody may hold a part of it.
func (r *ring) recycle() {
	buffers.Put(r.buf)
	*r = ring{}
}

func (r *ring) room() int { return BufferSize - r.n }

// free is the first contiguous part without data; commit adds what was put there.
func (r *ring) free() []byte {
	at := (r.start + r.n) % BufferSize
	return r.buf[at:min(BufferSize, at+r.room())]
}

func (r *ring) commit(n int) { r.n += n }

// data is the first contiguous part with data; advance removes from it.
func (r *ring) data() []byte { return r.buf[r.start:min(BufferSize, r.start+r.n)] }

func (r *ring) advance(n int) {
	r.start = (r.start + n) % BufferSize
	r.n -= n
}

// rewind moves an empty queue to the start of the buffer, so that free is all
// of it. Nobody may hold a part of the buffer.
func (r *ring) rewind() {
	if r.n == 0 {
		r.start = 0
	}
}

// write appends all of b; there must be room.
func (r *ring) write(b []byte) {
	for len(b) > 0 {
		n := copy(r.free(), b)
		r.commit(n)
		b = b[n:]
	}
}
