// Echo: the answer has the body of the request, its content type, its x- fields
// and its trailers. The body goes from stream to stream as it comes: however
// long it is, the component never holds it.
//
// Nothing is freed: an instance answers one request, and its memory goes with it.
#include "echo.h"

#include <string.h>
#include <strings.h>

static const char *const methods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                      "CONNECT", "OPTIONS", "TRACE", "PATCH"};

// Copies what the answer repeats of the request's fields.
static void copy_fields(wasi_http_types_borrow_fields_t from, wasi_http_types_borrow_fields_t to) {
  wasi_http_types_list_tuple2_field_name_field_value_t entries;
  wasi_http_types_method_fields_entries(from, &entries);
  for (size_t i = 0; i < entries.len; i++) {
    echo_string_t *name = &entries.ptr[i].f0;
    int is_x = name->len > 2 && strncasecmp((char *)name->ptr, "x-", 2) == 0;
    int is_type = name->len == 12 && strncasecmp((char *)name->ptr, "content-type", 12) == 0;
    wasi_http_types_header_error_t error;
    if (is_x || is_type) wasi_http_types_method_fields_append(to, name, &entries.ptr[i].f1, &error);
  }
}

// Says what was asked for, as "POST /path?query"; a line that is too long is cut.
static wasi_http_types_field_value_t request_line(wasi_http_types_borrow_incoming_request_t request) {
  static uint8_t line[1024];
  wasi_http_types_method_t method;
  wasi_http_types_method_incoming_request_method(request, &method);
  echo_string_t path = {(uint8_t *)"", 0};
  wasi_http_types_method_incoming_request_path_with_query(request, &path);
  echo_string_t name;
  if (method.tag == WASI_HTTP_TYPES_METHOD_OTHER)
    name = method.val.other;
  else
    name = (echo_string_t){(uint8_t *)methods[method.tag], strlen(methods[method.tag])};
  wasi_http_types_field_value_t value = {line, 0};
  for (size_t i = 0; i < name.len && value.len < sizeof line - 1; i++) line[value.len++] = name.ptr[i];
  line[value.len++] = ' ';
  for (size_t i = 0; i < path.len && value.len < sizeof line; i++) line[value.len++] = path.ptr[i];
  return value;
}

// Waits for the trailers of a body that was read to its end. False: there are none.
static bool trailers(wasi_http_types_own_incoming_body_t body, wasi_http_types_own_trailers_t *trailers) {
  wasi_http_types_own_future_trailers_t future = wasi_http_types_static_incoming_body_finish(body);
  wasi_http_types_borrow_future_trailers_t borrowed = wasi_http_types_borrow_future_trailers(future);
  wasi_io_poll_own_pollable_t ready = wasi_http_types_method_future_trailers_subscribe(borrowed);
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
  wasi_io_poll_pollable_drop_own(ready);
  wasi_http_types_result_result_option_own_trailers_error_code_void_t got;
  if (!wasi_http_types_method_future_trailers_get(borrowed, &got) || got.is_err || got.val.ok.is_err) return false;
  if (!got.val.ok.val.ok.is_some) return false;
  *trailers = got.val.ok.val.ok.val;
  return true;
}

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t own_request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  wasi_http_types_borrow_incoming_request_t request = wasi_http_types_borrow_incoming_request(own_request);

  wasi_http_types_own_fields_t headers = wasi_http_types_constructor_fields();
  wasi_http_types_own_headers_t asked = wasi_http_types_method_incoming_request_headers(request);
  copy_fields(wasi_http_types_borrow_fields(asked), wasi_http_types_borrow_fields(headers));
  wasi_http_types_fields_drop_own(asked);
  echo_string_t name = {(uint8_t *)"x-echo", 6};
  wasi_http_types_field_value_t value = request_line(request);
  wasi_http_types_header_error_t header_error;
  wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(headers), &name, &value, &header_error);

  wasi_http_types_own_outgoing_response_t response = wasi_http_types_constructor_outgoing_response(headers);
  wasi_http_types_own_outgoing_body_t to;
  wasi_http_types_method_outgoing_response_body(wasi_http_types_borrow_outgoing_response(response), &to);
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false, .val = {.ok = response}};
  wasi_http_types_static_response_outparam_set(out, &result);

  wasi_http_types_own_incoming_body_t from;
  wasi_http_types_method_incoming_request_consume(request, &from);
  wasi_io_streams_own_input_stream_t in;
  wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(from), &in);
  wasi_io_streams_own_output_stream_t body;
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(to), &body);
  wasi_io_streams_stream_error_t error;
  uint64_t moved;
  while (wasi_io_streams_method_output_stream_blocking_splice(
      wasi_io_streams_borrow_output_stream(body), wasi_io_streams_borrow_input_stream(in), 1 << 20, &moved, &error)) {
  }
  // An error other than the end: the answer is left unfinished, and the host
  // breaks off the connection.
  if (error.tag != WASI_IO_STREAMS_STREAM_ERROR_CLOSED) return;
  wasi_io_streams_input_stream_drop_own(in);
  wasi_io_streams_output_stream_drop_own(body);

  wasi_http_types_own_trailers_t fields;
  bool has_trailers = trailers(from, &fields);
  wasi_http_types_error_code_t finish_error;
  wasi_http_types_static_outgoing_body_finish(to, has_trailers ? &fields : NULL, &finish_error);
}
