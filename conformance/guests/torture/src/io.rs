//! Queries, bodies and responses, as far as the routes need them.

use crate::wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse,
    ResponseOutparam,
};
use crate::wasi::io::streams::{InputStream, OutputStream, StreamError};

/// The decoded pairs of a query string, in the order given.
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(text: &str) -> Query {
        let pairs = text.split('&').filter(|p| !p.is_empty());
        Query(
            pairs
                .map(|p| p.split_once('=').unwrap_or((p, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// The number of that name; `or` when it is absent or no number.
    pub fn number(&self, name: &str, or: u64) -> u64 {
        self.get(name).and_then(|v| v.parse().ok()).unwrap_or(or)
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let digit = |i: usize| tail.get(i).and_then(|d| (*d as char).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &tail[2..];
            }
            (b'+', _, _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A response under way: its status and headers are sent, its body is open.
pub struct Response {
    body: OutgoingBody,
    stream: OutputStream,
}

impl Response {
    pub fn start(out: ResponseOutparam, status: u16, headers: &[(&str, &str)]) -> Response {
        let fields = Fields::new();
        for (name, value) in headers {
            fields
                .append(name, value.as_bytes())
                .expect("the header is valid");
        }
        let response = OutgoingResponse::new(fields);
        response
            .set_status_code(status)
            .expect("the status is valid");
        let body = response.body().expect("the body is taken once");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("the stream is taken once");
        Response { body, stream }
    }

    /// Writes everything, never more at once than the host permits, and waits only on the pollable.
    pub fn write(&self, mut bytes: &[u8]) -> Result<(), StreamError> {
        let ready = self.stream.subscribe();
        while !bytes.is_empty() {
            let room = self.stream.check_write()?;
            if room == 0 {
                ready.block();
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min(room as usize));
            self.stream.write(now)?;
            bytes = later;
        }
        Ok(())
    }

    pub fn flush(&self) -> Result<(), StreamError> {
        self.stream.blocking_flush()
    }

    pub fn splice(&self, from: &InputStream, most: u64) -> Result<u64, StreamError> {
        self.stream.blocking_splice(from, most)
    }

    pub fn finish(self, trailers: Option<Fields>) -> Result<(), ErrorCode> {
        drop(self.stream); // the stream is a child of the body and has to go first
        OutgoingBody::finish(self.body, trailers)
    }
}

/// A whole answer of plain text.
pub fn text(out: ResponseOutparam, status: u16, text: &str) {
    let response = Response::start(
        out,
        status,
        &[("content-type", "text/plain; charset=utf-8")],
    );
    if response.write(text.as_bytes()).is_ok() {
        let _ = response.finish(None);
    }
}

/// Calls `each` for every chunk of the request's body as it comes, then gives the trailers.
pub fn body(
    request: IncomingRequest,
    mut each: impl FnMut(&[u8]) -> bool,
) -> Result<Option<Fields>, String> {
    let body = request.consume().expect("the body is consumed once");
    let stream = body.stream().expect("the stream is taken once");
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(chunk) if each(&chunk) => {}
            Ok(_) => return Err("stopped by the route".to_string()),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(err)) => return Err(err.to_debug_string()),
        }
    }
    drop(stream);
    trailers(body)
}

/// Gives the trailers of a body that was read to its end, as fields that may be sent on.
pub fn trailers(body: IncomingBody) -> Result<Option<Fields>, String> {
    let future = IncomingBody::finish(body);
    future.subscribe().block();
    match future.get() {
        Some(Ok(Ok(Some(fields)))) => Ok(Some(
            Fields::from_list(&fields.entries()).expect("the trailers are valid"),
        )),
        Some(Ok(Ok(None))) => Ok(None),
        Some(Ok(Err(code))) => Err(format!("{code:?}")),
        Some(Err(())) | None => Err("the trailers were gone or not there".to_string()),
    }
}

/// Writes a line to the guest's standard error.
pub fn log(line: &str) {
    let stderr = crate::wasi::cli::stderr::get_stderr();
    let _ = stderr.blocking_write_and_flush(format!("{line}\n").as_bytes());
}
