// Server-sent events: /?n=10&ms=1000 sends ten, one a second. Each is flushed,
// so that it arrives when it is sent; a client that goes away ends the stream.
#include "events.h"

#include <stdlib.h>
#include <string.h>

// The number of that name in a query, or what stands for it when it is absent.
static unsigned long number(const char *query, const char *name, unsigned long otherwise) {
  size_t len = strlen(name);
  for (const char *p = strchr(query, '?'); p; p = strchr(p + 1, '&'))
    if (strncmp(p + 1, name, len) == 0 && p[1 + len] == '=') return strtoul(p + 2 + len, NULL, 10);
  return otherwise;
}

// Writes n and says how many digits it has. (printf would need WASI's files.)
static size_t decimal(char *to, unsigned long n) {
  char digits[20];
  size_t len = 0;
  do digits[len++] = '0' + n % 10;
  while (n /= 10);
  for (size_t i = 0; i < len; i++) to[i] = digits[len - 1 - i];
  return len;
}

static void append(wasi_http_types_borrow_fields_t fields, const char *name, const char *value) {
  events_string_t n = {(uint8_t *)name, strlen(name)};
  wasi_http_types_field_value_t v = {(uint8_t *)value, strlen(value)};
  wasi_http_types_header_error_t error;
  wasi_http_types_method_fields_append(fields, &n, &v, &error);
}

static void wait(uint64_t ms) {
  wasi_io_poll_own_pollable_t time = wasi_clocks_monotonic_clock_subscribe_duration(ms * 1000000);
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(time));
  wasi_io_poll_pollable_drop_own(time);
}

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  char query[1024] = "";
  events_string_t path;
  if (wasi_http_types_method_incoming_request_path_with_query(wasi_http_types_borrow_incoming_request(request), &path))
    strncpy(query, (char *)path.ptr, path.len < sizeof query ? path.len : sizeof query - 1);
  wasi_http_types_incoming_request_drop_own(request);
  unsigned long n = number(query, "n", 10), ms = number(query, "ms", 1000);

  wasi_http_types_own_fields_t headers = wasi_http_types_constructor_fields();
  append(wasi_http_types_borrow_fields(headers), "content-type", "text/event-stream");
  append(wasi_http_types_borrow_fields(headers), "cache-control", "no-cache");
  wasi_http_types_own_outgoing_response_t response = wasi_http_types_constructor_outgoing_response(headers);
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(wasi_http_types_borrow_outgoing_response(response), &body);
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false, .val = {.ok = response}};
  wasi_http_types_static_response_outparam_set(out, &result);

  wasi_io_streams_own_output_stream_t stream;
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &stream);
  for (unsigned long i = 0; i < n; i++) {
    if (i > 0) wait(ms);
    char event[64] = "data: ";
    size_t len = 6 + decimal(event + 6, i);
    event[len++] = '\n', event[len++] = '\n';
    events_list_u8_t bytes = {(uint8_t *)event, len};
    wasi_io_streams_stream_error_t error;
    if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(wasi_io_streams_borrow_output_stream(stream),
                                                                       &bytes, &error))
      return; // the client is gone
  }
  wasi_io_streams_output_stream_drop_own(stream);
  wasi_http_types_error_code_t finish_error;
  wasi_http_types_static_outgoing_body_finish(body, NULL, &finish_error);
}
