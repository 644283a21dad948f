//! Bodies and answers, as far as the routes need them.

use crate::wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use crate::wasi::io::streams::StreamError;
use serde::Serialize;

/// A whole response.
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

impl Answer {
    pub fn json(status: u16, value: &impl Serialize) -> Answer {
        let mut body = serde_json::to_vec(value).expect("what the routes answer is JSON");
        body.push(b'\n');
        Answer {
            status,
            headers: vec![("content-type", "application/json")],
            body,
        }
    }

    pub fn with(mut self, name: &'static str, value: &'static str) -> Answer {
        self.headers.push((name, value));
        self
    }
}

#[derive(Serialize)]
struct Failure<'a> {
    error: &'a str,
}

pub fn error(status: u16, message: &str) -> Answer {
    Answer::json(status, &Failure { error: message })
}

/// Reads a body of at most 1 MiB.
pub fn body(request: &IncomingRequest) -> Result<Vec<u8>, Answer> {
    const MOST: usize = 1 << 20;
    let body = request.consume().expect("the body is consumed once");
    let stream = body.stream().expect("the stream is taken once");
    let mut whole = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(chunk) => whole.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(whole),
            Err(StreamError::LastOperationFailed(_)) => {
                return Err(error(400, "the body did not come whole"));
            }
        }
        if whole.len() > MOST {
            return Err(error(413, "the body is longer than 1 MiB"));
        }
    }
}

pub fn send(out: ResponseOutparam, answer: Answer) {
    let fields = Fields::new();
    for (name, value) in answer.headers {
        fields
            .append(name, value.as_bytes())
            .expect("the header is valid");
    }
    let length = answer.body.len().to_string();
    fields
        .append("content-length", length.as_bytes())
        .expect("the header is valid");
    let response = OutgoingResponse::new(fields);
    response
        .set_status_code(answer.status)
        .expect("the status is valid");
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    for part in answer.body.chunks(4096) {
        if stream.blocking_write_and_flush(part).is_err() {
            return; // the client is gone
        }
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

/// Undoes percent-encoding; None when what comes out is not UTF-8.
pub fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digit = |i: usize| tail.get(i).and_then(|d| (*d as char).to_digit(16));
        bytes.push((digit(0)? * 16 + digit(1)?) as u8);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).ok()
}
