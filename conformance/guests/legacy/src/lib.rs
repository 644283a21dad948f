//! A component as the toolchains of 2024 made them: Rust's std on preview 1 with
//! an adapter, and the interfaces of WASI 0.2.0 beside newer ones, which the
//! adapter brings.
//!
//! What std does here (files, output, clocks, exit) goes through the adapter.

use std::io::Read;
use std::time::{Duration, Instant, SystemTime};

use wasi::exports::http::incoming_handler::Guest;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Legacy;
wasi::http::proxy::export!(Legacy);

impl Guest for Legacy {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/" => respond(out, 200, b"Hello from an old toolchain!\n"),
            "/echo" => {
                let body = request.consume().unwrap();
                let stream = body.stream().unwrap();
                let mut whole = Vec::new();
                while let Ok(bytes) = stream.blocking_read(64 << 10) {
                    whole.extend(bytes);
                }
                respond(out, 200, &whole);
            }
            "/log" => {
                println!("out: {query}");
                eprintln!("err: {query}");
                respond(out, 200, b"logged\n");
            }
            "/env" => {
                let text: String = std::env::vars().map(|(n, v)| format!("{n}={v}\n")).collect();
                respond(out, 200, text.as_bytes());
            }
            "/args" => {
                let text: String = std::env::args().map(|a| format!("{a}\n")).collect();
                respond(out, 200, text.as_bytes());
            }
            "/stdin" => {
                let mut text = String::new();
                let n = std::io::stdin().read_to_string(&mut text).unwrap();
                respond(out, 200, format!("{n} bytes\n").as_bytes());
            }
            "/time" => {
                let start = Instant::now();
                std::thread::sleep(Duration::from_millis(20));
                let slept = start.elapsed() >= Duration::from_millis(20);
                let year = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 31_557_600 + 1970;
                respond(out, 200, format!("slept {slept} in {year}\n").as_bytes());
            }
            "/open" => match std::fs::read(query) {
                Ok(bytes) => respond(out, 200, &bytes),
                Err(err) => respond(out, 404, format!("{err}\n").as_bytes()),
            },
            // std seeds the map from random_get.
            "/hash" => {
                let map: std::collections::HashMap<u32, u32> = (0..1000).map(|i| (i, i)).collect();
                respond(out, 200, format!("{}\n", map.values().sum::<u32>()).as_bytes());
            }
            "/panic" => panic!("as asked for: {query}"),
            "/exit" => std::process::exit(query.parse().unwrap_or(1)),
            "/spin" => loop {
                std::hint::spin_loop();
            },
            _ => respond(out, 404, b"no such route\n"),
        }
    }
}

fn respond(out: ResponseOutparam, status: u16, bytes: &[u8]) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().unwrap();
    for part in bytes.chunks(4096) {
        if stream.blocking_write_and_flush(part).is_err() {
            return; // the client is gone
        }
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}
