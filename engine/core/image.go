package core

import (
	"bytes"
	"runtime"
)

// image is the contents of a memory: what a module's data makes of it before
// there is an instance, or what a reset returns it to. A large one is a file
// without a name, where the system has them, which memories map, copy on write,
// and of which only what is not zero takes memory.
type image struct {
	size uint64 // of the memory
	data []byte // without the zeros at the end; when there is a file, a view of it
	file *imageFile
}

// mapImage is the size from which an image is mapped and not copied.
const mapImage = 128 << 10

// newImage makes the image of a memory of size bytes that segments, which fit in
// it, are in. It is nil when they must be copied, and reach further than most.
func newImage(size uint64, in []segment, most uint64) *image {
	end := uint64(0)
	for _, s := range in {
		end = max(end, uint64(s.offset)+uint64(len(s.bytes)))
	}
	im := &image{size: size}
	if end >= mapImage {
		if im.file = newImageFile(end, in); im.file != nil {
			im.data = im.file.view[:end:end]
			runtime.AddCleanup(im, (*imageFile).close, im.file)
			return im
		}
	}
	if end > most {
		return nil
	}
	im.data = make([]byte, end)
	fill(im.data, in)
	return im
}

// fill puts segments in a memory.
func fill(mem []byte, in []segment) {
	for _, s := range in {
		copy(mem[s.offset:], s.bytes)
	}
}

// snapshot is the contents of the memory as an image. That is initial, if nothing
// has changed since; nil when it cannot be mapped and is too large to copy.
func (m *linearMemory) snapshot(initial *image) *image {
	if initial != nil && m.region != nil && m.equals(initial) {
		return initial
	}
	if m.region != nil {
		return newImage(uint64(len(m.buf)), notZero(m.buf), maxHeapReset)
	}
	return &image{size: uint64(len(m.buf)), data: bytes.Clone(trimZeros(m.buf))}
}

// place puts an image into a new memory.
func (m *linearMemory) place(im *image) {
	if !m.follow(im) || im.file == nil {
		copy(m.buf, im.data)
	}
}

// equals says whether the memory is as in an image.
func (m *linearMemory) equals(im *image) bool {
	n := uint64(len(im.data))
	same := uint64(len(m.buf)) == im.size
	if im.file == nil || m.image != im {
		same = same && bytes.Equal(m.buf[:n], im.data)
	} // else it is so but for what was touched
	m.touched(func(from, to uint64) bool {
		lo, hi := min(from, n), min(to, n)
		same = same && bytes.Equal(m.buf[lo:hi], im.data[lo:hi]) && allZero(m.buf[min(max(from, n), to):to])
		return same
	})
	return same
}

func (m *linearMemory) touched(f func(from, to uint64) bool) {
	if m.region == nil {
		f(0, uint64(len(m.buf)))
		return
	}
	m.region.touched(uint64(len(m.buf)), f)
}

// follow maps an image that the memory is equal to, or shall be.
func (m *linearMemory) follow(im *image) bool {
	switch {
	case im.file == nil || m.image == im:
		return true
	case m.region == nil || m.region.mapFile(im.file) != nil:
		return false
	}
	m.image = im
	return true
}

// The zeros are looked for in steps of this many bytes.
const zeroStep = 4 << 10

var zeros [zeroStep]byte

func trimZeros(b []byte) []byte {
	for len(b) >= zeroStep && allZero(b[len(b)-zeroStep:]) {
		b = b[:len(b)-zeroStep]
	}
	return bytes.TrimRight(b, "\x00")
}

func allZero(b []byte) bool {
	for len(b) > zeroStep {
		if !bytes.Equal(b[:zeroStep], zeros[:]) {
			return false
		}
		b = b[zeroStep:]
	}
	return bytes.Equal(b, zeros[:len(b)])
}

// notZero is what of a memory is not zero.
func notZero(mem []byte) (out []segment) {
	start := -1
	for at := 0; at < len(mem); at += zeroStep {
		step := mem[at:min(at+zeroStep, len(mem))]
		switch zero := allZero(step); {
		case !zero && start < 0:
			start = at
		case zero && start >= 0:
			out = append(out, segment{uint32(start), mem[start:at]})
			start = -1
		}
	}
	if start >= 0 {
		out = append(out, segment{uint32(start), trimZeros(mem[start:])})
	}
	return out
}
