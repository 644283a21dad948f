// Notes over a key-value store, and counters beside them. The notes are those of
// ../notes, route by route: numbered by an atomic increment, listed in pages, and
// changed by compare-and-swap, so that of two who change a note at the same time
// neither loses what the other wrote. A counter is that of ../counter.
//
// A WIT result is a value here, or an exception whose payload is the error; a
// number of 64 bits is a BigInt, and an option that is none is undefined.
import { open } from "wasi:keyvalue/store@0.2.0-draft2";
import { Cas, increment, swap } from "wasi:keyvalue/atomics@0.2.0-draft2";
import { deleteMany, getMany } from "wasi:keyvalue/batch@0.2.0-draft2";
import { get as setting } from "wasi:config/store@0.2.0-rc.1";

addEventListener("fetch", (event) => event.respondWith(answer(event.request)));

// An answer that ends the work on a request, wherever it is thrown.
class Failure extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function answer(request) {
  try {
    return await route(request);
  } catch (err) {
    const { status, message } = err instanceof Failure ? err : refused(err);
    return json(status, { error: message });
  }
}

// What the store says, as a failure; anything else is a mistake in this file.
function refused(err) {
  switch (err.payload?.tag) {
    case "no-such-store":
      return new Failure(503, 'there is no store "default"');
    case "access-denied":
      return new Failure(503, 'the store "default" is not granted');
    case "other":
      return new Failure(503, err.payload.val);
    default:
      throw err;
  }
}

function json(status, value) {
  return new Response(JSON.stringify(value) + "\n", { status, headers: { "content-type": "application/json" } });
}

async function route(request) {
  const { pathname, searchParams } = new URL(request.url);
  const [, collection, id, ...more] = pathname.split("/");
  if (more.length > 0) throw new Failure(404, "no such route; / lists them");
  const name = id === undefined ? collection : `${collection}/`;
  switch (`${request.method} ${name}`) {
    case "GET ":
      return index();
    case "GET notes":
      return list(open("default"), searchParams.get("cursor") ?? undefined);
    case "POST notes":
      return create(open("default"), await body(request));
    case "DELETE notes":
      return clear(open("default"));
    case "GET notes/":
      return read(open("default"), key(id));
    case "PUT notes/":
      return replace(open("default"), key(id), await body(request));
    case "PATCH notes/":
      return append(open("default"), key(id), await body(request));
    case "DELETE notes/":
      return remove(open("default"), key(id));
    case "GET counters/":
      return counted(open("default"), id);
    case "POST counters/":
      return count(open("default"), id);
  }
  if (["", "notes", "notes/", "counters/"].includes(name)) throw new Failure(405, "no such method here");
  throw new Failure(404, "no such route; / lists them");
}

function index() {
  return json(200, {
    title: setting("title") ?? "Notes",
    longest: longest(),
    routes: [
      "GET /notes?cursor=CURSOR",
      'POST /notes {"text": "..."}',
      "DELETE /notes",
      "GET /notes/ID",
      'PUT /notes/ID {"text": "..."}',
      'PATCH /notes/ID {"text": "to append"}',
      "DELETE /notes/ID",
      "GET /counters/NAME",
      "POST /counters/NAME",
    ],
  });
}

// Bytes in the longest note.
function longest() {
  const text = setting("notes.longest") ?? "";
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : 10000;
}

// Reads a body of at most 1 MiB, of which no more is kept.
async function whole(request) {
  const chunks = [];
  let length = 0;
  for (const reader = request.body?.getReader(); reader; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
    if (length > 1 << 20) throw new Failure(413, "the body is longer than 1 MiB");
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

// The text that a body has, as bytes.
async function body(request) {
  const bytes = await whole(request);
  let value;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (err) {
    throw new Failure(400, err.message);
  }
  if (typeof value !== "object" || value === null) throw new Failure(400, "the body is not an object");
  for (const field of Object.keys(value)) {
    if (field !== "text") throw new Failure(400, `unknown field \`${field}\`, expected \`text\``);
  }
  if (typeof value.text !== "string") throw new Failure(400, "missing field `text`");
  if (!value.text.isWellFormed()) throw new Failure(400, "half of a surrogate pair in `text`");
  return checked(new TextEncoder().encode(value.text));
}

function checked(text) {
  if (text.length > longest()) throw new Failure(413, "the note is too long");
  return text;
}

// The key of a note. The number that the next one gets is under "next".
function key(id) {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(id) || Number(id) >= 2 ** 32) throw new Failure(404, "a note has a number");
  return `note/${id}`;
}

function note(key, text) {
  return { id: Number(key.slice("note/".length)), text: new TextDecoder().decode(text) };
}

function there(text) {
  if (text === undefined) throw new Failure(404, "no such note");
  return text;
}

// Keys of notes on one page of the store, and where the next one begins.
function page(bucket, at) {
  const { keys, cursor } = bucket.listKeys(at);
  return { keys: keys.filter((key) => key.startsWith("note/")), cursor };
}

function list(bucket, at) {
  const { keys, cursor } = page(bucket, at);
  const sorted = [...new Set(keys)].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  // A note that was deleted in between has no value.
  const notes = getMany(bucket, sorted)
    .filter((pair) => pair !== undefined)
    .map(([key, text]) => note(key, text));
  return json(200, { notes, cursor });
}

function create(bucket, text) {
  const key = `note/${increment(bucket, "next", 1n)}`;
  bucket.set(key, text);
  return json(201, note(key, text));
}

function read(bucket, key) {
  return json(200, note(key, there(bucket.get(key))));
}

// Changes a note that is there.
function change(bucket, key, to) {
  for (let cas = Cas.new(bucket, key); ; ) {
    const text = checked(to(there(cas.current())));
    try {
      swap(cas, text);
      return json(200, note(key, text));
    } catch (err) {
      if (err.payload?.tag === "store-error") throw refused({ payload: err.payload.val });
      if (err.payload?.tag !== "cas-failed") throw err;
      cas = err.payload.val; // it has what is there now
    }
  }
}

function replace(bucket, key, text) {
  return change(bucket, key, () => text);
}

function append(bucket, key, text) {
  return change(bucket, key, (old) => {
    const both = new Uint8Array(old.length + text.length);
    both.set(old);
    both.set(text, old.length);
    return both;
  });
}

function remove(bucket, key) {
  const deleted = bucket.exists(key) ? 1 : 0;
  bucket.delete(key);
  return json(200, { deleted });
}

// Deletes all notes. Numbers are not given a second time.
function clear(bucket) {
  let deleted = 0;
  let cursor;
  do {
    const found = page(bucket, cursor);
    deleteMany(bucket, found.keys);
    deleted += found.keys.length;
    cursor = found.cursor;
  } while (cursor !== undefined);
  return json(200, { deleted });
}

function count(bucket, name) {
  return new Response(`${increment(bucket, `counter/${name}`, 1n)}\n`);
}

function counted(bucket, name) {
  const number = bucket.get(`counter/${name}`);
  return new Response(`${number === undefined ? 0 : new TextDecoder().decode(number)}\n`);
}
