package http

import (
	"context"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
)

// OutgoingBody is the resource outgoing-body: a body that the guest writes and
// the host sends.
type OutgoingBody struct {
	pipe     io.Pipe
	writer   bodyWriter
	declared bool
	length   uint64 // what content-length declares
	// mismatch makes the error code of a body of another length than declared.
	mismatch func(n uint64) wasihttp.ErrorCode
	response *OutgoingResponse // that it is the body of; nil: it is of a request
	trailers *Fields           // given by finish; valid for the reader once it has got io.EOF
	taken    bool              // write was called
	open     bool              // and the stream lives
}

func requestBodySize(n uint64) wasihttp.ErrorCode {
	return wasihttp.ErrorCode{Tag: wasihttp.ErrorCodeHTTPRequestBodySize, HTTPRequestBodySize: abi.Some(n)}
}

func responseBodySize(n uint64) wasihttp.ErrorCode {
	return wasihttp.ErrorCode{Tag: wasihttp.ErrorCodeHTTPResponseBodySize, HTTPResponseBodySize: abi.Some(n)}
}

// init makes b, which is zero, the body of a message with these headers; a
// malformed content-length is an error. reader is who sends the body, or nil for
// one who calls Read.
func (b *OutgoingBody) init(s *State, headers *Fields, mismatch func(uint64) wasihttp.ErrorCode, reader *io.Waiter) error {
	length, declared, ok := headers.contentLength()
	if !ok {
		return errUnit
	}
	b.declared, b.length, b.mismatch = declared, length, mismatch
	c := io.PipeConfig{Budget: s.Budget, Reader: reader}
	if declared {
		c.Limit = func(total uint64) error {
			if total > length {
				return mismatch(total)
			}
			return nil
		}
	}
	b.pipe.Init(c)
	b.writer = bodyWriter{Pipe: &b.pipe, body: b}
	return nil
}

// bodyWriter is the output-stream of a body.
type bodyWriter struct {
	*io.Pipe
	body *OutgoingBody
}

// Drop implements wasiio.OutputStream.
func (w *bodyWriter) Drop(context.Context) { w.body.open = false }

// Write implements wasihttp.OutgoingBody.
func (b *OutgoingBody) Write(context.Context) (wasiio.OutputStream, error) {
	if b.taken {
		return nil, errUnit
	}
	b.taken, b.open = true, true
	return &b.writer, nil
}

// Drop implements wasihttp.OutgoingBody: the body is incomplete.
func (b *OutgoingBody) Drop(context.Context) { b.pipe.Finish(io.ErrUnfinished) }

// OutgoingBodyFinish implements wasihttp.TypesHost.
func (s *State) OutgoingBodyFinish(ctx context.Context, this wasihttp.OutgoingBody, trailers abi.Option[wasihttp.Trailers]) error {
	b, ok := this.(*OutgoingBody)
	if !ok {
		return foreign("outgoing-body", this)
	}
	if b.open {
		return errStreamAlive
	}
	if total := b.pipe.Total(); b.declared && total != b.length && !(total == 0 && b.response != nil && b.response.mayOmitBody()) {
		code := b.mismatch(total)
		b.pipe.Finish(code)
		return code
	}
	if trailers.Some {
		f, ok := trailers.Value.(*Fields)
		if !ok {
			return foreign("trailers", trailers.Value)
		}
		own, err := f.own(ctx)
		if err != nil {
			return err
		}
		b.trailers = own
	}
	b.pipe.Finish(nil)
	return nil
}
