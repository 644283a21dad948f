// Counter: each path has a number, kept in the key-value store "default", and
// each request for it adds one. Requests that come at the same time all count.
//
// Nothing is freed: an instance answers one request, and its memory goes with it.
#include "counter.h"

#include <string.h>

static counter_string_t string(const char *s) { return (counter_string_t){(uint8_t *)s, strlen(s)}; }

// Says what is wrong with the store.
static counter_string_t describe(const wasi_keyvalue_store_error_t *error) {
  switch (error->tag) {
    case WASI_KEYVALUE_STORE_ERROR_NO_SUCH_STORE:
      return string("there is no store \"default\"");
    case WASI_KEYVALUE_STORE_ERROR_ACCESS_DENIED:
      return string("the store \"default\" is not granted");
    default:
      return error->val.other;
  }
}

// A number in decimal notation.
static counter_string_t decimal(uint64_t n) {
  static char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = '0' + n % 10;
    n /= 10;
  } while (n > 0);
  return (counter_string_t){(uint8_t *)digits + at, sizeof digits - at};
}

// Counts one more request for path. Returns the status; text becomes the answer.
static uint16_t count(counter_string_t *path, counter_string_t *text) {
  counter_string_t name = string("default");
  wasi_keyvalue_store_own_bucket_t bucket;
  wasi_keyvalue_store_error_t error;
  uint64_t n;
  if (!wasi_keyvalue_store_open(&name, &bucket, &error) ||
      !wasi_keyvalue_atomics_increment(wasi_keyvalue_store_borrow_bucket(bucket), path, 1, &n, &error)) {
    *text = describe(&error);
    return 503;
  }
  *text = decimal(n);
  return 200;
}

static void write(wasi_io_streams_borrow_output_stream_t stream, counter_string_t text) {
  wasi_io_streams_stream_error_t error;
  counter_list_u8_t bytes = {text.ptr, text.len};
  wasi_io_streams_method_output_stream_blocking_write_and_flush(stream, &bytes, &error);
}

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  counter_string_t path = string("/");
  wasi_http_types_method_incoming_request_path_with_query(wasi_http_types_borrow_incoming_request(request), &path);
  counter_string_t text;
  uint16_t status = count(&path, &text);

  wasi_http_types_own_fields_t headers = wasi_http_types_constructor_fields();
  counter_string_t name = string("content-type");
  wasi_http_types_field_value_t value = {(uint8_t *)"text/plain; charset=utf-8", 25};
  wasi_http_types_header_error_t header_error;
  wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(headers), &name, &value, &header_error);
  wasi_http_types_own_outgoing_response_t response = wasi_http_types_constructor_outgoing_response(headers);
  wasi_http_types_method_outgoing_response_set_status_code(wasi_http_types_borrow_outgoing_response(response), status);
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(wasi_http_types_borrow_outgoing_response(response), &body);
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false, .val = {.ok = response}};
  wasi_http_types_static_response_outparam_set(out, &result);

  wasi_http_types_own_output_stream_t stream;
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &stream);
  write(wasi_io_streams_borrow_output_stream(stream), text);
  write(wasi_io_streams_borrow_output_stream(stream), string("\n"));
  wasi_io_streams_output_stream_drop_own(stream);
  wasi_http_types_error_code_t finish_error;
  wasi_http_types_static_outgoing_body_finish(body, NULL, &finish_error);
}
