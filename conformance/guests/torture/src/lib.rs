//! A component that does on request what a host must survive: one route for each.

mod faults;
mod io;
mod routes;

wit_bindgen::generate!({
    path: [
        "../../../wit/wasi/0.2.12/io",
        "../../../wit/wasi/0.2.12/clocks",
        "../../../wit/wasi/0.2.12/random",
        "../../../wit/wasi/0.2.12/filesystem",
        "../../../wit/wasi/0.2.12/sockets",
        "../../../wit/wasi/0.2.12/cli",
        "../../../wit/wasi/0.2.12/http",
        "wit",
    ],
    world: "godwit:torture/torture",
    generate_all,
});

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::types::{IncomingRequest, ResponseOutparam};

struct Torture;
export!(Torture);

impl Guest for Torture {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_else(|| "/".to_string());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = io::Query::parse(query);
        routes::dispatch(path, &query, request, out);
    }
}
