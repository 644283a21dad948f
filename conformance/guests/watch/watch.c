// What is set under in/KEY is set under out/KEY as well, and what is deleted there
// is deleted; each change under in/ adds one to the number under "changes". The
// key in/trap traps, and in/loop does not end.
#ifndef WATCH_NUMBER  // what increment returns
#include "watch.h"
#define WATCH_NUMBER int64_t
#endif

#include <string.h>

static watch_string_t string(const char *s) { return (watch_string_t){(uint8_t *)s, strlen(s)}; }

// Makes out/KEY of in/KEY. False: it is another key.
static bool output(watch_string_t *key, watch_string_t *out) {
  static uint8_t text[2048];
  if (key->len < 3 || key->len > sizeof text - 1 || memcmp(key->ptr, "in/", 3) != 0) return false;
  memcpy(text, "out", 3);
  memcpy(text + 3, key->ptr + 2, key->len - 2);
  *out = (watch_string_t){text, key->len + 1};
  return true;
}

static void count(wasi_keyvalue_store_borrow_bucket_t bucket) {
  watch_string_t changes = string("changes");
  wasi_keyvalue_store_error_t error;
  WATCH_NUMBER n;
  if (!wasi_keyvalue_atomics_increment(bucket, &changes, 1, &n, &error)) __builtin_trap();
}

static bool equal(watch_string_t *a, const char *b) { return a->len == strlen(b) && memcmp(a->ptr, b, a->len) == 0; }

void exports_wasi_keyvalue_watcher_on_set(exports_wasi_keyvalue_watcher_own_bucket_t bucket, watch_string_t *key,
                                          watch_list_u8_t *value) {
  watch_string_t out;
  wasi_keyvalue_store_error_t error;
  wasi_keyvalue_store_borrow_bucket_t borrowed = wasi_keyvalue_store_borrow_bucket(bucket);
  if (equal(key, "in/trap")) __builtin_trap();
  while (equal(key, "in/loop")) __asm__ volatile("");
  if (!output(key, &out)) return;
  if (!wasi_keyvalue_store_method_bucket_set(borrowed, &out, value, &error)) __builtin_trap();
  count(borrowed);
  wasi_keyvalue_store_bucket_drop_own(bucket);
}

void exports_wasi_keyvalue_watcher_on_delete(exports_wasi_keyvalue_watcher_own_bucket_t bucket, watch_string_t *key) {
  watch_string_t out;
  wasi_keyvalue_store_error_t error;
  wasi_keyvalue_store_borrow_bucket_t borrowed = wasi_keyvalue_store_borrow_bucket(bucket);
  if (!output(key, &out)) return;
  if (!wasi_keyvalue_store_method_bucket_delete(borrowed, &out, &error)) __builtin_trap();
  count(borrowed);
}

// POST /KEY sets in/KEY. Anything else for /KEY is answered 200 if there is out/KEY,
// and 404 if there is not.
static uint16_t answer(wasi_http_types_borrow_incoming_request_t request) {
  static uint8_t text[2048] = "out";
  watch_string_t name = string("default");
  watch_string_t path;
  wasi_keyvalue_store_own_bucket_t bucket;
  wasi_keyvalue_store_error_t error;
  wasi_http_types_method_t method;
  if (!wasi_http_types_method_incoming_request_path_with_query(request, &path) || path.len > sizeof text - 3) return 400;
  if (!wasi_keyvalue_store_open(&name, &bucket, &error)) return 503;
  memcpy(text + 3, path.ptr, path.len);
  watch_string_t key = {text, path.len + 3};
  wasi_http_types_method_incoming_request_method(request, &method);
  if (method.tag == WASI_HTTP_TYPES_METHOD_POST) {
    watch_list_u8_t value = {(uint8_t *)"x", 1};
    memcpy(++key.ptr, "in", 2);
    key.len--;
    return wasi_keyvalue_store_method_bucket_set(wasi_keyvalue_store_borrow_bucket(bucket), &key, &value, &error) ? 200 : 503;
  }
  bool there;
  if (!wasi_keyvalue_store_method_bucket_exists(wasi_keyvalue_store_borrow_bucket(bucket), &key, &there, &error)) return 503;
  return there ? 200 : 404;
}

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  wasi_http_types_own_outgoing_response_t response =
      wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields());
  wasi_http_types_method_outgoing_response_set_status_code(wasi_http_types_borrow_outgoing_response(response),
                                                           answer(wasi_http_types_borrow_incoming_request(request)));
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false, .val = {.ok = response}};
  wasi_http_types_static_response_outparam_set(out, &result);
}
