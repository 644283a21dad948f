//! Whole bodies in and out.

use crate::wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

pub fn body(request: &IncomingRequest) -> Vec<u8> {
    let body = request.consume().expect("the body is consumed once");
    let stream = body.stream().expect("the stream is taken once");
    let mut whole = Vec::new();
    while let Ok(chunk) = stream.blocking_read(64 << 10) {
        whole.extend_from_slice(&chunk);
    }
    whole
}

pub fn send(out: ResponseOutparam, text: &[u8]) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    for part in text.chunks(4096) {
        stream
            .blocking_write_and_flush(part)
            .expect("the client reads");
    }
    drop(stream);
    OutgoingBody::finish(body, None).expect("the body is whole");
}
