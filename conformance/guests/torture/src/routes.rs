//! The routes. README.md of conformance/guests says what each answers.

use crate::faults;
use crate::io::{self, Query, Response, log, text};
use crate::wasi::cli::{environment, exit, stdout};
use crate::wasi::clocks::{monotonic_clock, wall_clock};
use crate::wasi::filesystem::preopens;
use crate::wasi::http::outgoing_handler;
use crate::wasi::http::types::{
    ErrorCode, Fields, IncomingRequest, IncomingResponse, OutgoingRequest, ResponseOutparam, Scheme,
};
use crate::wasi::io::streams::StreamError;
use crate::wasi::random::random;
use crate::wasi::sockets::instance_network::instance_network;
use crate::wasi::sockets::network::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use crate::wasi::sockets::tcp_create_socket::create_tcp_socket;

pub fn dispatch(path: &str, query: &Query, request: IncomingRequest, out: ResponseOutparam) {
    match path {
        "/" => text(out, 200, "torture: ask for a route\n"),
        "/trap" => faults::trap(),
        "/loop" => faults::spin(),
        "/alloc" => {
            let mib = faults::grow();
            text(out, 200, &format!("{mib} MiB\n"));
        }
        "/exit" => exit::exit_with_code(query.number("code", 0) as u8),
        "/no-response" => std::mem::forget(out),
        "/drop-outparam" => drop(out),
        "/double" => faults::double(out),
        "/recurse" => text(out, 200, &format!("{}\n", faults::recurse(0))),
        "/oob" => faults::out_of_bounds(),
        "/div0" => text(out, 200, &format!("{}\n", faults::divide_by_zero())),
        "/null-handle" => faults::null_handle(),
        "/sse" => sse(query, out),
        "/big" => big(query.number("bytes", 1 << 20), out),
        "/sink" => sink(request, out),
        "/echo" => echo(request, out),
        "/splice" => splice(request, out),
        "/sleep" => {
            sleep(query.number("ms", 100));
            text(out, 200, "slept\n");
        }
        "/env" => {
            let mut pairs = environment::get_environment();
            pairs.sort();
            let lines: String = pairs.iter().map(|(n, v)| format!("{n}={v}\n")).collect();
            text(out, 200, &lines);
        }
        "/args" => {
            let lines: String = environment::get_arguments()
                .iter()
                .map(|a| format!("{a}\n"))
                .collect();
            text(out, 200, &lines);
        }
        "/log" => {
            if let Some(line) = query.get("out") {
                let _ =
                    stdout::get_stdout().blocking_write_and_flush(format!("{line}\n").as_bytes());
            }
            if let Some(line) = query.get("err") {
                log(line);
            }
            text(out, 200, "logged\n");
        }
        "/trailers" => trailers(out),
        "/status" => text(out, query.number("code", 200) as u16, "status\n"),
        "/headers" => headers(request, out),
        "/early" => early(request, out),
        "/after" => {
            text(out, 200, "finished\n");
            sleep(query.number("ms", 100));
            log("after: still here");
        }
        "/partial" => short_or_long(out, "100"),
        "/over" => short_or_long(out, "5"),
        "/trap-mid" => {
            let response = Response::start(out, 200, &[("content-type", "text/plain")]);
            let _ = response.write(b"some bytes\n");
            let _ = response.flush();
            faults::trap();
        }
        "/random" => {
            let bytes = random::get_random_bytes(query.number("bytes", 16));
            let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            text(out, 200, &format!("{hex}\n"));
        }
        "/clock" => clock(out),
        "/fs" => {
            let lines: String = preopens::get_directories()
                .iter()
                .map(|(_, name)| format!("{name}\n"))
                .collect();
            text(
                out,
                200,
                if lines.is_empty() {
                    "no preopens\n"
                } else {
                    &lines
                },
            );
        }
        "/socket" => socket(query, out),
        "/fetch" => fetch(query.get("url").unwrap_or(""), out),
        _ => text(out, 404, "no such route\n"),
    }
}

fn sleep(ms: u64) {
    monotonic_clock::subscribe_duration(ms * 1_000_000).block();
}

fn sse(query: &Query, out: ResponseOutparam) {
    let (n, ms) = (query.number("n", 10), query.number("ms", 100));
    let headers = [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache"),
    ];
    let response = Response::start(out, 200, &headers);
    for i in 0..n {
        if i > 0 {
            sleep(ms);
        }
        let sent = response.write(format!("data: {i}\n\n").as_bytes());
        if sent.and_then(|_| response.flush()).is_err() {
            return log(&format!("sse: the client was gone at event {i}"));
        }
    }
    let _ = response.finish(None);
}

/// The byte at offset i is i mod 251, so that a lost or doubled chunk shows.
fn big(bytes: u64, out: ResponseOutparam) {
    let pattern: Vec<u8> = (0..251 * 256).map(|i| (i % 251) as u8).collect();
    let length = bytes.to_string();
    let headers = [
        ("content-type", "application/octet-stream"),
        ("content-length", length.as_str()),
    ];
    let response = Response::start(out, 200, &headers);
    let mut left = bytes;
    while left > 0 {
        let now = left.min(pattern.len() as u64);
        if response.write(&pattern[..now as usize]).is_err() {
            return log(&format!("big: the client was gone with {left} bytes left"));
        }
        left -= now;
    }
    let _ = response.finish(None);
}

fn sink(request: IncomingRequest, out: ResponseOutparam) {
    let mut count = 0;
    let end = io::body(request, |chunk| {
        count += chunk.len() as u64;
        true
    });
    match end {
        Ok(_) => text(out, 200, &format!("{count}\n")),
        Err(err) => text(out, 400, &format!("{count} bytes, then: {err}\n")),
    }
}

fn content_type(request: &IncomingRequest) -> String {
    let values = request.headers().get("content-type");
    let value = values
        .first()
        .map(|v| String::from_utf8_lossy(v).into_owned());
    value.unwrap_or_else(|| "application/octet-stream".to_string())
}

fn echo(request: IncomingRequest, out: ResponseOutparam) {
    let kind = content_type(&request);
    let response = Response::start(out, 200, &[("content-type", &kind)]);
    let end = io::body(request, |chunk| {
        response.write(chunk).and_then(|_| response.flush()).is_ok()
    });
    match end {
        Ok(trailers) => {
            let _ = response.finish(trailers);
        }
        Err(err) => log(&format!("echo: {err}")),
    }
}

/// Echoes without the bytes ever entering the guest.
fn splice(request: IncomingRequest, out: ResponseOutparam) {
    let kind = content_type(&request);
    let response = Response::start(out, 200, &[("content-type", &kind)]);
    let body = request.consume().expect("the body is consumed once");
    let stream = body.stream().expect("the stream is taken once");
    loop {
        match response.splice(&stream, 1 << 20) {
            Ok(_) => {}
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(err)) => {
                return log(&format!("splice: {}", err.to_debug_string()));
            }
        }
    }
    drop(stream);
    let _ = response.finish(None);
}

fn trailers(out: ResponseOutparam) {
    let headers = [("content-type", "text/plain"), ("trailer", "x-checksum")];
    let response = Response::start(out, 200, &headers);
    let _ = response.write(b"trailers follow\n");
    let fields = Fields::new();
    fields
        .append("x-checksum", b"1234")
        .expect("the trailer is valid");
    let _ = response.finish(Some(fields));
}

fn headers(request: IncomingRequest, out: ResponseOutparam) {
    let mut lines = format!(
        "method {:?}\nscheme {:?}\nauthority {}\npath {}\n",
        request.method(),
        request.scheme(),
        request.authority().unwrap_or_default(),
        request.path_with_query().unwrap_or_default(),
    );
    let mut entries = request.headers().entries();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, value) in entries {
        lines += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
    }
    let headers = [
        ("content-type", "text/plain"),
        ("x-twice", "one"),
        ("x-twice", "two"),
    ];
    let response = Response::start(out, 200, &headers);
    let _ = response.write(lines.as_bytes());
    let _ = response.finish(None);
}

fn early(request: IncomingRequest, out: ResponseOutparam) {
    let response = Response::start(out, 200, &[("content-type", "text/plain")]);
    let _ = response.write(b"early\n").and_then(|_| response.flush());
    let mut count = 0;
    let end = io::body(request, |chunk| {
        count += chunk.len();
        true
    });
    let line = match end {
        Ok(_) => format!("then {count} bytes\n"),
        Err(err) => format!("then {count} bytes and {err}\n"),
    };
    let _ = response.write(line.as_bytes());
    let _ = response.finish(None);
}

/// Announces `length` bytes and sends 10; the host must not let either pass as a whole answer.
fn short_or_long(out: ResponseOutparam, length: &str) {
    let headers = [("content-type", "text/plain"), ("content-length", length)];
    let response = Response::start(out, 200, &headers);
    let wrote = response.write(b"ten bytes\n");
    if let Err(err) = wrote {
        log(&format!("content-length {length}: write: {err:?}"));
    }
    match response.finish(None) {
        Ok(()) => log(&format!("content-length {length}: finish: accepted")),
        Err(code) => log(&format!("content-length {length}: finish: {code:?}")),
    }
}

fn clock(out: ResponseOutparam) {
    let (before, wall) = (monotonic_clock::now(), wall_clock::now());
    sleep(1);
    let elapsed = monotonic_clock::now() - before;
    text(
        out,
        200,
        &format!(
            "wall {}.{:09}\nelapsed {elapsed}\n",
            wall.seconds, wall.nanoseconds
        ),
    );
}

fn socket(query: &Query, out: ResponseOutparam) {
    let port = query.number("port", 9) as u16;
    let connect = || {
        let socket = create_tcp_socket(IpAddressFamily::Ipv4).map_err(|e| ("create", e))?;
        let address = IpSocketAddress::Ipv4(Ipv4SocketAddress {
            port,
            address: (127, 0, 0, 1),
        });
        socket
            .start_connect(&instance_network(), address)
            .map_err(|e| ("start", e))?;
        socket.subscribe().block();
        socket.finish_connect().map_err(|e| ("finish", e))
    };
    match connect() {
        Ok(_) => text(out, 200, "connected\n"),
        Err((step, code)) => text(out, 200, &format!("{step}: {}\n", code.name())),
    }
}

fn send(url: &str) -> Result<IncomingResponse, ErrorCode> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(("https", rest)) => (Scheme::Https, rest),
        _ => return Err(ErrorCode::HttpRequestUriInvalid),
    };
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(slash);
    let request = OutgoingRequest::new(Fields::new());
    let invalid = |_| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request
        .set_path_with_query(Some(if path.is_empty() { "/" } else { path }))
        .map_err(invalid)?;
    let future = outgoing_handler::handle(request, None)?;
    future.subscribe().block();
    future
        .get()
        .expect("the future is ready")
        .expect("the response is taken once")
}

fn fetch(url: &str, out: ResponseOutparam) {
    let incoming = match send(url) {
        Ok(incoming) => incoming,
        Err(code) => return text(out, 502, &format!("{code:?}\n")),
    };
    let status = incoming.status().to_string();
    let response = Response::start(out, 200, &[("x-upstream-status", &status)]);
    let body = incoming.consume().expect("the body is consumed once");
    let stream = body.stream().expect("the stream is taken once");
    let mut count = 0;
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(chunk) if response.write(&chunk).is_ok() => count += chunk.len(),
            Ok(_) => return log("fetch: the client was gone"),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(err)) => {
                return log(&format!(
                    "fetch: after {count} bytes: {}",
                    err.to_debug_string()
                ));
            }
        }
    }
    let _ = response.finish(None);
}
