//! Notes over a key-value store: numbered by an atomic increment, listed in
//! pages, and changed by compare-and-swap, so that of two who change a note at
//! the same time neither loses what the other wrote.

#[allow(dead_code)] // it is that of ../api, and has more than this needs
#[path = "../../api/src/http.rs"]
mod http;

wit_bindgen::generate!({
    path: [
        "../../wit/wasi/0.2.12/io",
        "../../wit/wasi/0.2.12/clocks",
        "../../wit/wasi/0.2.12/random",
        "../../wit/wasi/0.2.12/filesystem",
        "../../wit/wasi/0.2.12/sockets",
        "../../wit/wasi/0.2.12/cli",
        "../../wit/wasi/0.2.12/http",
        "../../wit/wasi/keyvalue-0.2.0-draft2",
        "../../wit/wasi/config-0.2.0-rc.1",
        "world.wit",
    ],
    world: "godwit:notes/notes",
    generate_all,
});

use exports::wasi::http::incoming_handler::Guest;
use http::{Answer, error};
use serde::{Deserialize, Serialize};
use wasi::config::store as config;
use wasi::http::types::{IncomingRequest, Method, ResponseOutparam};
use wasi::keyvalue::atomics::{Cas, CasError, increment, swap};
use wasi::keyvalue::batch;
use wasi::keyvalue::store::{self, Bucket};

struct Notes;
export!(Notes);

impl Guest for Notes {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        http::send(out, route(&request).unwrap_or_else(|answer| answer));
    }
}

fn route(request: &IncomingRequest) -> Result<Answer, Answer> {
    let target = request.path_with_query().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (parts.as_slice(), request.method()) {
        ([""], Method::Get) => index(),
        (["notes"], Method::Get) => list(&open()?, query),
        (["notes"], Method::Post) => create(&open()?, body(request)?),
        (["notes"], Method::Delete) => clear(&open()?),
        (["notes", id], Method::Get) => read(&open()?, &key(id)?),
        (["notes", id], Method::Put) => replace(&open()?, &key(id)?, body(request)?),
        (["notes", id], Method::Patch) => append(&open()?, &key(id)?, body(request)?),
        (["notes", id], Method::Delete) => delete(&open()?, &key(id)?),
        ([""] | ["notes"] | ["notes", _], _) => Err(error(405, "no such method here")),
        _ => Err(error(404, "no such route; / lists them")),
    }
}

/// The store's errors, as answers.
fn failed(err: store::Error) -> Answer {
    match err {
        store::Error::NoSuchStore => error(503, "there is no store \"default\""),
        store::Error::AccessDenied => error(503, "the store \"default\" is not granted"),
        store::Error::Other(text) => error(503, &text),
    }
}

fn open() -> Result<Bucket, Answer> {
    store::open("default").map_err(failed)
}

/// The key of a note. The number that the next one gets is under "next".
fn key(id: &str) -> Result<String, Answer> {
    match id.parse::<u32>() {
        Ok(n) if n.to_string() == id => Ok(format!("note/{id}")),
        _ => Err(error(404, "a note has a number")),
    }
}

/// A setting of the operator's, or else the default.
fn setting(key: &str, default: &str) -> String {
    match config::get(key) {
        Ok(Some(value)) => value,
        _ => default.to_string(),
    }
}

#[derive(Serialize)]
struct Index {
    title: String,
    longest: usize,
    routes: [&'static str; 7],
}

fn longest() -> usize {
    setting("notes.longest", "10000").parse().unwrap_or(10000)
}

fn index() -> Result<Answer, Answer> {
    let index = Index {
        title: setting("title", "Notes"),
        longest: longest(),
        routes: [
            "GET /notes?cursor=CURSOR",
            "POST /notes {\"text\": \"...\"}",
            "DELETE /notes",
            "GET /notes/ID",
            "PUT /notes/ID {\"text\": \"...\"}",
            "PATCH /notes/ID {\"text\": \"to append\"}",
            "DELETE /notes/ID",
        ],
    };
    Ok(Answer::json(200, &index))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    text: String,
}

fn body(request: &IncomingRequest) -> Result<String, Answer> {
    let body = http::body(request)?;
    match serde_json::from_slice::<Body>(&body) {
        Ok(body) if body.text.len() <= longest() => Ok(body.text),
        Ok(_) => Err(error(413, "the note is too long")),
        Err(err) => Err(error(400, &err.to_string())),
    }
}

#[derive(Serialize)]
struct Note {
    id: u32,
    text: String,
}

impl Note {
    fn new(key: &str, text: Vec<u8>) -> Note {
        Note {
            id: key["note/".len()..].parse().unwrap_or(0),
            text: String::from_utf8_lossy(&text).into_owned(),
        }
    }
}

fn missing() -> Answer {
    error(404, "no such note")
}

#[derive(Serialize)]
struct Page {
    notes: Vec<Note>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// Keys of notes on one page of the store, and where the next one begins.
fn page(bucket: &Bucket, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), Answer> {
    let page = bucket.list_keys(cursor).map_err(failed)?;
    let keys = page
        .keys
        .into_iter()
        .filter(|key| key.starts_with("note/"))
        .collect();
    Ok((keys, page.cursor))
}

fn list(bucket: &Bucket, query: &str) -> Result<Answer, Answer> {
    let (mut keys, cursor) = page(bucket, query.strip_prefix("cursor="))?;
    keys.sort_by_key(|key| (key.len(), key.clone()));
    keys.dedup();
    let values = batch::get_many(bucket, &keys).map_err(failed)?;
    // A note that was deleted in between has no value.
    let notes = values
        .into_iter()
        .flatten()
        .map(|(key, text)| Note::new(&key, text))
        .collect();
    Ok(Answer::json(200, &Page { notes, cursor }))
}

fn create(bucket: &Bucket, text: String) -> Result<Answer, Answer> {
    let id = increment(bucket, "next", 1).map_err(failed)?;
    let key = format!("note/{id}");
    bucket.set(&key, text.as_bytes()).map_err(failed)?;
    Ok(Answer::json(201, &Note::new(&key, text.into_bytes())))
}

fn read(bucket: &Bucket, key: &str) -> Result<Answer, Answer> {
    let text = bucket.get(key).map_err(failed)?.ok_or_else(missing)?;
    Ok(Answer::json(200, &Note::new(key, text)))
}

/// Changes a note that is there.
fn change(bucket: &Bucket, key: &str, to: impl Fn(Vec<u8>) -> Vec<u8>) -> Result<Answer, Answer> {
    let mut cas = Cas::new(bucket, key).map_err(failed)?;
    loop {
        let old = cas.current().map_err(failed)?.ok_or_else(missing)?;
        let new = to(old);
        if new.len() > longest() {
            return Err(error(413, "the note is too long"));
        }
        match swap(cas, &new) {
            Ok(()) => return Ok(Answer::json(200, &Note::new(key, new))),
            Err(CasError::CasFailed(again)) => cas = again,
            Err(CasError::StoreError(err)) => return Err(failed(err)),
        }
    }
}

fn replace(bucket: &Bucket, key: &str, text: String) -> Result<Answer, Answer> {
    change(bucket, key, |_| text.clone().into_bytes())
}

fn append(bucket: &Bucket, key: &str, text: String) -> Result<Answer, Answer> {
    change(bucket, key, |mut old| {
        old.extend_from_slice(text.as_bytes());
        old
    })
}

#[derive(Serialize)]
struct Deleted {
    deleted: usize,
}

fn delete(bucket: &Bucket, key: &str) -> Result<Answer, Answer> {
    let there = bucket.exists(key).map_err(failed)?;
    bucket.delete(key).map_err(failed)?;
    let deleted = there as usize;
    Ok(Answer::json(200, &Deleted { deleted }))
}

/// Deletes all notes. Numbers are not given a second time.
fn clear(bucket: &Bucket) -> Result<Answer, Answer> {
    let mut deleted = 0;
    let mut cursor = None;
    loop {
        let (keys, next) = page(bucket, cursor.as_deref())?;
        batch::delete_many(bucket, &keys).map_err(failed)?;
        deleted += keys.len();
        cursor = match next {
            Some(next) => Some(next),
            None => return Ok(Answer::json(200, &Deleted { deleted })),
        };
    }
}
