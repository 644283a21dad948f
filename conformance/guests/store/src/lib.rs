//! Does what the body of a request says, one operation on a line, and answers
//! with what came of each. /draft and /draft2 are the two drafts of
//! wasi:keyvalue, /config is wasi:config, and /loop does one operation many times.
//!
//! A line is an operation and its operands, with one space between them; "-"
//! stands for the empty text, and \xNN for a byte.

mod http;

wit_bindgen::generate!({
    path: [
        "../../../wit/wasi/0.2.12/io",
        "../../../wit/wasi/0.2.12/clocks",
        "../../../wit/wasi/0.2.12/random",
        "../../../wit/wasi/0.2.12/filesystem",
        "../../../wit/wasi/0.2.12/sockets",
        "../../../wit/wasi/0.2.12/cli",
        "../../../wit/wasi/0.2.12/http",
        "../../../wit/wasi/keyvalue-0.2.0-draft",
        "../../../wit/wasi/keyvalue-0.2.0-draft2",
        "../../../wit/wasi/config-0.2.0-rc.1",
        "world.wit",
    ],
    world: "godwit:store/store",
    generate_all,
});

use exports::wasi::http::incoming_handler::Guest;
use wasi::config::store as config;
use wasi::http::types::{IncomingRequest, ResponseOutparam};
use wasi::keyvalue0_2_0_draft as draft;
use wasi::keyvalue0_2_0_draft2 as draft2;

struct Store;
export!(Store);

impl Guest for Store {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let body = http::body(&request);
        let text = match path {
            "/draft" => lines(&body, &mut Draft::default()),
            "/draft2" => lines(&body, &mut Draft2::default()),
            "/config" => lines(&body, &mut Config),
            "/loop" => repeat(query),
            _ => "no such route\n".to_string(),
        };
        http::send(out, text.as_bytes());
    }
}

trait Operations {
    fn run(&mut self, operation: &str, operands: &[Vec<u8>]) -> Result<String, String>;
}

fn lines(body: &[u8], to: &mut dyn Operations) -> String {
    let mut out = String::new();
    for line in String::from_utf8_lossy(body).lines() {
        let mut words = line.split(' ');
        let operation = words.next().unwrap_or_default();
        let operands: Vec<Vec<u8>> = words.map(unescape).collect();
        match to.run(operation, &operands) {
            Ok(answer) => out += &answer,
            Err(error) => out += &format!("error {error}"),
        }
        out.push('\n');
    }
    out
}

fn unescape(word: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = if word == "-" { &[] } else { word.as_bytes() };
    while let Some((&first, tail)) = rest.split_first() {
        if rest.len() >= 4 && rest.starts_with(b"\\x") {
            let digits = std::str::from_utf8(&rest[2..4]).unwrap_or("?");
            out.push(u8::from_str_radix(digits, 16).expect("two digits after \\x"));
            rest = &rest[4..];
        } else {
            out.push(first);
            rest = tail;
        }
    }
    out
}

fn escape(value: &[u8]) -> String {
    if value.is_empty() {
        return "-".to_string();
    }
    let plain = |b: u8| b.is_ascii_graphic() && b != b'\\' && !(value == b"-");
    value
        .iter()
        .map(|&b| match plain(b) {
            true => (b as char).to_string(),
            false => format!("\\x{b:02x}"),
        })
        .collect()
}

fn text(operand: &[u8]) -> String {
    String::from_utf8(operand.to_vec()).expect("a key is text")
}

fn texts(operands: &[Vec<u8>]) -> Vec<String> {
    operands.iter().map(|o| text(o)).collect()
}

fn option(value: Option<Vec<u8>>) -> String {
    value.map_or("none".to_string(), |v| escape(&v))
}

fn unknown(operation: &str) -> Result<String, String> {
    Err(format!("{operation} is not an operation here"))
}

/// The errors of a draft, as text.
macro_rules! failed {
    ($draft:ident) => {
        |err: $draft::store::Error| match err {
            $draft::store::Error::NoSuchStore => "no-such-store".to_string(),
            $draft::store::Error::AccessDenied => "access-denied".to_string(),
            $draft::store::Error::Other(text) => text,
        }
    };
}

/// What the drafts have in common, but with types of their own.
macro_rules! common {
    ($draft:ident, $self:ident, $operation:ident, $operands:ident, $number:ty, $cursor:expr) => {{
        let failed = failed!($draft);
        if $operation == "open" {
            $self.bucket = Some($draft::store::open(&text(&$operands[0])).map_err(failed)?);
            return Ok("ok".to_string());
        }
        let bucket = $self.bucket.as_ref().ok_or("no bucket is open")?;
        let key = $operands.first().map(|k| text(k)).unwrap_or_default();
        let ok = |()| "ok".to_string();
        match $operation {
            "get" => return bucket.get(&key).map(option).map_err(failed),
            "set" => return bucket.set(&key, &$operands[1]).map(ok).map_err(failed),
            "delete" => return bucket.delete(&key).map(ok).map_err(failed),
            "exists" => return bucket.exists(&key).map(|b| b.to_string()).map_err(failed),
            "keys" => {
                let mut keys = Vec::new();
                let mut pages = 0;
                let mut cursor = None;
                while pages == 0 || cursor.is_some() {
                    let page = bucket.list_keys($cursor(&cursor)).map_err(failed)?;
                    keys.extend(page.keys);
                    cursor = page.cursor;
                    pages += 1;
                }
                keys.sort();
                keys.dedup();
                let keys: Vec<String> = keys.iter().map(|k| escape(k.as_bytes())).collect();
                return Ok(format!("{} {}", keys.len(), keys.join(" ")));
            }
            "increment" => {
                let delta: $number = text(&$operands[1]).parse().map_err(|_| "not a number")?;
                let sum = $draft::atomics::increment(bucket, &key, delta).map_err(failed)?;
                return Ok(sum.to_string());
            }
            "get-many" => {
                let values = $draft::batch::get_many(bucket, &texts($operands)).map_err(failed)?;
                let values: Vec<String> = values
                    .into_iter()
                    .map(|kv| kv.map_or("none".to_string(), |(k, v)| k + "=" + &escape(&v)))
                    .collect();
                return Ok(values.join(" "));
            }
            "set-many" => {
                let pairs: Vec<(String, Vec<u8>)> = $operands
                    .chunks(2)
                    .map(|kv| (text(&kv[0]), kv[1].clone()))
                    .collect();
                return $draft::batch::set_many(bucket, &pairs)
                    .map(ok)
                    .map_err(failed);
            }
            "delete-many" => {
                return $draft::batch::delete_many(bucket, &texts($operands))
                    .map(ok)
                    .map_err(failed);
            }
            _ => {}
        }
    }};
}

#[derive(Default)]
struct Draft {
    bucket: Option<draft::store::Bucket>,
}

impl Operations for Draft {
    fn run(&mut self, operation: &str, operands: &[Vec<u8>]) -> Result<String, String> {
        common!(draft, self, operation, operands, u64, |c: &Option<u64>| *c);
        unknown(operation)
    }
}

#[derive(Default)]
struct Draft2 {
    bucket: Option<draft2::store::Bucket>,
    cas: Option<draft2::atomics::Cas>,
}

fn same(cursor: &Option<String>) -> Option<&str> {
    cursor.as_deref()
}

impl Operations for Draft2 {
    fn run(&mut self, operation: &str, operands: &[Vec<u8>]) -> Result<String, String> {
        use draft2::atomics::{Cas, CasError, swap};
        common!(draft2, self, operation, operands, i64, same);
        let failed = failed!(draft2);
        match operation {
            "cas" => {
                let bucket = self.bucket.as_ref().ok_or("no bucket is open")?;
                self.cas = Some(Cas::new(bucket, &text(&operands[0])).map_err(failed)?);
                Ok("ok".to_string())
            }
            "current" => {
                let cas = self.cas.as_ref().ok_or("no cas is open")?;
                cas.current().map(option).map_err(failed)
            }
            "swap" => match swap(self.cas.take().ok_or("no cas is open")?, &operands[0]) {
                Ok(()) => Ok("ok".to_string()),
                Err(CasError::CasFailed(again)) => {
                    self.cas = Some(again);
                    Err("cas-failed".to_string())
                }
                Err(CasError::StoreError(err)) => Err(failed(err)),
            },
            _ => unknown(operation),
        }
    }
}

struct Config;

impl Operations for Config {
    fn run(&mut self, operation: &str, operands: &[Vec<u8>]) -> Result<String, String> {
        match operation {
            "get" => config::get(&text(&operands[0]))
                .map(|v| option(v.map(String::into_bytes)))
                .map_err(|e| e.to_string()),
            "get-all" => config::get_all()
                .map(|all| {
                    let all: Vec<String> = all
                        .iter()
                        .map(|(k, v)| format!("{k}={}", escape(v.as_bytes())))
                        .collect();
                    all.join(" ")
                })
                .map_err(|e| e.to_string()),
            _ => unknown(operation),
        }
    }
}

/// Does one operation n times: op=get|set|increment, n=, size= of the value. What
/// this takes is what the store takes, and little else.
fn repeat(query: &str) -> String {
    let operand = |name: &str| {
        query
            .split('&')
            .find_map(|p| p.strip_prefix(name)?.strip_prefix('='))
            .unwrap_or("0")
    };
    let n: u64 = operand("n").parse().unwrap_or(0);
    let value = vec![b'x'; operand("size").parse().unwrap_or(0)];
    let bucket = draft2::store::open("default").expect("the store default");
    let mut done = 0u64;
    for i in 0..n {
        let key = format!("key{}", i % 100);
        match operand("op") {
            "get" => done += bucket.get(&key).expect("get").is_some() as u64,
            "set" => bucket.set(&key, &value).map(|()| done += 1).expect("set"),
            _ => {
                draft2::atomics::increment(&bucket, "n", 1).expect("increment");
                done += 1;
            }
        }
    }
    format!("{done}\n")
}
