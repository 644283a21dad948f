//! A JSON API: requests are routed by method and path, bodies are JSON in both
//! directions, and every error is JSON with the right status.

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
        "world.wit",
    ],
    world: "godwit:api/api",
    generate_all,
});

use exports::wasi::http::incoming_handler::Guest;
use http::{Answer, error};
use serde::{Deserialize, Serialize};
use wasi::http::types::{IncomingRequest, Method, ResponseOutparam};

struct Api;
export!(Api);

impl Guest for Api {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        http::send(out, route(&request));
    }
}

fn route(request: &IncomingRequest) -> Answer {
    let target = request.path_with_query().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (parts.as_slice(), request.method()) {
        ([""], Method::Get) => Answer::json(200, &INDEX),
        (["greetings", name], Method::Get) if !name.is_empty() => greet(name, query),
        (["primes", below], Method::Get) => primes(below),
        (["stats"], Method::Post) => match http::body(request) {
            Ok(body) => stats(&body),
            Err(answer) => answer,
        },
        ([""] | ["greetings", _] | ["primes", _], _) => error(405, "use GET").with("allow", "GET"),
        (["stats"], _) => error(405, "use POST").with("allow", "POST"),
        _ => error(404, "no such route; / lists them"),
    }
}

#[derive(Serialize)]
struct Index {
    routes: [&'static str; 3],
}

const INDEX: Index = Index {
    routes: [
        "GET /greetings/NAME?language=en|fr|de",
        "GET /primes/BELOW",
        "POST /stats {\"numbers\": [1, 2, 3]}",
    ],
};

#[derive(Serialize)]
struct Greeting {
    greeting: String,
}

fn greet(name: &str, query: &str) -> Answer {
    let Some(name) = http::decode(name) else {
        return error(400, "the name is not UTF-8 in percent-encoding");
    };
    let word = match query.strip_prefix("language=").unwrap_or("en") {
        "en" => "Hello",
        "fr" => "Bonjour",
        "de" => "Guten Tag",
        _ => return error(400, "the languages are en, fr and de"),
    };
    let greeting = format!("{word}, {name}!");
    Answer::json(200, &Greeting { greeting })
}

#[derive(Serialize)]
struct Primes {
    below: usize,
    primes: usize,
}

/// Counts primes: something to keep a processor busy with.
fn primes(below: &str) -> Answer {
    const MOST: usize = 50_000_000;
    let below = match below.parse() {
        Ok(n) if n <= MOST => n,
        _ => return error(400, "BELOW is a number of at most 50000000"),
    };
    let mut composite = vec![false; below];
    let mut primes = 0;
    for n in 2..below {
        if composite[n] {
            continue;
        }
        primes += 1;
        if n <= below / n {
            for multiple in (n * n..below).step_by(n) {
                composite[multiple] = true;
            }
        }
    }
    Answer::json(200, &Primes { below, primes })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    numbers: Vec<f64>,
}

#[derive(Serialize)]
struct Stats {
    count: usize,
    mean: f64,
    min: f64,
    max: f64,
}

fn stats(body: &[u8]) -> Answer {
    let numbers = match serde_json::from_slice::<Sample>(body) {
        Ok(sample) => sample.numbers,
        Err(err) => return error(400, &err.to_string()),
    };
    if numbers.is_empty() {
        return error(400, "there are no numbers");
    }
    Answer::json(
        200,
        &Stats {
            count: numbers.len(),
            mean: numbers.iter().sum::<f64>() / numbers.len() as f64,
            min: numbers.iter().copied().fold(f64::INFINITY, f64::min),
            max: numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        },
    )
}
