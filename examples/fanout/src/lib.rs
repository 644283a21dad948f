//! Outbound requests, many at once: /?url=A&url=B asks for all of them together
//! and sends a line of JSON about each as soon as its answer is there.
//!
//! The host denies what `--allow-outbound` does not permit; the line says so then.

wit_bindgen::generate!({
    path: [
        "../../wit/wasi/0.2.12/io",
        "../../wit/wasi/0.2.12/clocks",
        "../../wit/wasi/0.2.12/random",
        "../../wit/wasi/0.2.12/filesystem",
        "../../wit/wasi/0.2.12/sockets",
        "../../wit/wasi/0.2.12/cli",
        "../../wit/wasi/0.2.12/http",
        "world.wit",
    ],
    world: "godwit:fanout/fanout",
    generate_all,
});

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingRequest, IncomingResponse, OutgoingBody,
    OutgoingRequest, OutgoingResponse, ResponseOutparam, Scheme,
};
use wasi::io::poll;
use wasi::io::streams::StreamError;

struct Fanout;
export!(Fanout);

impl Guest for Fanout {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let urls = query.split('&').filter_map(|p| p.strip_prefix("url="));

        let fields = Fields::new();
        fields
            .append("content-type", b"application/x-ndjson")
            .expect("the header is valid");
        let response = OutgoingResponse::new(fields);
        let body = response.body().expect("the body is taken once");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("the stream is taken once");
        let line = |line: String| stream.blocking_write_and_flush(line.as_bytes()).is_ok();
        if each(urls, line) {
            drop(stream);
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

/// Sends all requests, then tells of each answer as it comes; false when nobody listens.
fn each<'a>(urls: impl Iterator<Item = &'a str>, line: impl Fn(String) -> bool) -> bool {
    let mut waiting = Vec::new();
    for url in urls {
        match send(url) {
            Ok(future) => waiting.push((url, future)),
            Err(code) => {
                if !line(failure(url, &code)) {
                    return false;
                }
            }
        }
    }
    while !waiting.is_empty() {
        let pollables: Vec<_> = waiting.iter().map(|(_, f)| f.subscribe()).collect();
        let ready = poll::poll(&pollables.iter().collect::<Vec<_>>());
        drop(pollables);
        // From the last, so that removing one moves none that is still to come.
        for &index in ready.iter().rev() {
            let (url, future) = waiting.remove(index as usize);
            let answer = future.get().expect("it is ready").expect("it is taken once");
            let text = match answer.and_then(|response| Ok((response.status(), count(response)?))) {
                Ok((status, bytes)) => {
                    format!("{{\"url\": {url:?}, \"status\": {status}, \"bytes\": {bytes}}}\n")
                }
                Err(code) => failure(url, &code),
            };
            if !line(text) {
                return false;
            }
        }
    }
    true
}

fn failure(url: &str, code: &ErrorCode) -> String {
    format!("{{\"url\": {url:?}, \"error\": {:?}}}\n", format!("{code:?}"))
}

fn send(url: &str) -> Result<FutureIncomingResponse, ErrorCode> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(("https", rest)) => (Scheme::Https, rest),
        _ => return Err(ErrorCode::HttpRequestUriInvalid),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let request = OutgoingRequest::new(Fields::new());
    let invalid = |_| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    let path = if path.is_empty() { "/" } else { path };
    request.set_path_with_query(Some(path)).map_err(invalid)?;
    outgoing_handler::handle(request, None)
}

/// Reads a body to its end and says how long it is.
fn count(response: IncomingResponse) -> Result<u64, ErrorCode> {
    let body = response.consume().expect("the body is consumed once");
    let stream = body.stream().expect("the stream is taken once");
    let mut bytes = 0;
    loop {
        match stream.blocking_skip(1 << 20) {
            Ok(n) => bytes += n,
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => {
                return Err(ErrorCode::HttpResponseIncomplete);
            }
        }
    }
}
