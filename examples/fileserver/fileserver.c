// Serves the files of a directory:
//
//     godwit serve --dir public::/:ro examples/fileserver/fileserver.wasm
//     curl http://127.0.0.1:8080/
//
// GET and HEAD give a file, with an entity tag, or a list of a directory. Where
// the directory is granted without :ro, PUT writes a file and DELETE removes one.
// That no path leads out of the directory is not its concern: the host sees to it.
#include <stdlib.h>
#include <string.h>

#include "fileserver.h"

typedef wasi_filesystem_types_borrow_descriptor_t descriptor_t;
typedef wasi_filesystem_types_error_code_t code_t;

#define FOLLOW WASI_FILESYSTEM_TYPES_PATH_FLAGS_SYMLINK_FOLLOW

typedef struct {
  wasi_http_types_own_response_outparam_t out;
  wasi_http_types_own_fields_t headers;
} response_t;

static void header(response_t *r, const char *name, const char *value) {
  fileserver_string_t n = {(uint8_t *)name, strlen(name)};
  wasi_http_types_field_value_t v = {(uint8_t *)value, strlen(value)};
  wasi_http_types_header_error_t err;
  wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(r->headers), &n, &v, &err);
}

// begin sends status and headers, and returns the body.
static wasi_http_types_own_outgoing_body_t begin(response_t *r, uint16_t status) {
  wasi_http_types_own_outgoing_response_t response = wasi_http_types_constructor_outgoing_response(r->headers);
  wasi_http_types_borrow_outgoing_response_t borrowed = wasi_http_types_borrow_outgoing_response(response);
  wasi_http_types_method_outgoing_response_set_status_code(borrowed, status);
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(borrowed, &body);
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false, .val = {.ok = response}};
  wasi_http_types_static_response_outparam_set(r->out, &result);
  return body;
}

static void end(wasi_http_types_own_outgoing_body_t body) {
  wasi_http_types_error_code_t err;
  wasi_http_types_static_outgoing_body_finish(body, NULL, &err);
}

static bool write_text(wasi_io_streams_borrow_output_stream_t out, const char *text, size_t n) {
  wasi_io_streams_stream_error_t err;
  for (; n > 0;) {
    fileserver_list_u8_t part = {(uint8_t *)text, n < 4096 ? n : 4096};
    if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(out, &part, &err)) return false;
    text += part.len;
    n -= part.len;
  }
  return true;
}

// answer is a whole response with a line of text.
static void answer(response_t *r, uint16_t status, const char *text) {
  header(r, "content-type", "text/plain; charset=utf-8");
  wasi_http_types_own_outgoing_body_t body = begin(r, status);
  wasi_io_streams_own_output_stream_t out;
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &out);
  write_text(wasi_io_streams_borrow_output_stream(out), text, strlen(text));
  wasi_io_streams_output_stream_drop_own(out);
  end(body);
}

// refuse says why a file cannot be had.
static void refuse(response_t *r, code_t code) {
  switch (code) {
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_NO_ENTRY:
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_NOT_DIRECTORY:
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_NAME_TOO_LONG:
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_LOOP:
      return answer(r, 404, "There is no such file.\n");
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_ACCESS:
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_NOT_PERMITTED:
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_READ_ONLY:
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_UNSUPPORTED:
      return answer(r, 403, "That is not permitted.\n");
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_INVALID:
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_ILLEGAL_BYTE_SEQUENCE:
      return answer(r, 400, "That is not the name of a file.\n");
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_IS_DIRECTORY:
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_NOT_EMPTY:
      return answer(r, 409, "That is a directory.\n");
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_INSUFFICIENT_SPACE:
    case WASI_FILESYSTEM_TYPES_ERROR_CODE_QUOTA:
      return answer(r, 507, "There is no room for it.\n");
  }
  answer(r, 500, "The file cannot be used.\n");
}

static const char *type_of(const char *path) {
  static const char *const types[][2] = {
      {".html", "text/html; charset=utf-8"}, {".txt", "text/plain; charset=utf-8"}, {".css", "text/css"},
      {".js", "text/javascript"},            {".json", "application/json"},         {".svg", "image/svg+xml"},
      {".png", "image/png"},                 {".jpg", "image/jpeg"},                {".wasm", "application/wasm"},
  };
  const char *dot = strrchr(path, '.');
  for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++)
    if (strcmp(dot, types[i][0]) == 0) return types[i][1];
  return "application/octet-stream";
}

static const char digits[] = "0123456789abcdef";

// put_hex writes n digits, and put_decimal as many as it takes. (The printf family
// would bring the C library's files with it, which need another WASI.)
static char *put_hex(char *p, uint64_t value, int n) {
  for (int shift = 4 * (n - 1); shift >= 0; shift -= 4) *p++ = digits[value >> shift & 15];
  return p;
}

static char *put_decimal(char *p, uint64_t value) {
  if (value >= 10) p = put_decimal(p, value / 10);
  *p++ = '0' + value % 10;
  return p;
}

static int hex(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// path_of makes a path relative to the directory of a request's; NULL: it is none.
static char *path_of(fileserver_string_t request) {
  char *path = malloc(request.len + 2), *p = path;
  if (path == NULL) return NULL;
  size_t i = 0;
  while (i < request.len && request.ptr[i] == '/') i++;
  for (; i < request.len && request.ptr[i] != '?'; i++) {
    uint8_t c = request.ptr[i];
    if (c == '%') {
      if (i + 2 >= request.len || hex(request.ptr[i + 1]) < 0 || hex(request.ptr[i + 2]) < 0) return NULL;
      c = hex(request.ptr[i + 1]) << 4 | hex(request.ptr[i + 2]);
      i += 2;
    }
    if (c == 0) return NULL;
    *p++ = c;
  }
  if (p == path) *p++ = '.';
  *p = 0;
  return path;
}

// matches says whether the request has the entity tag already.
static bool matches(wasi_http_types_borrow_incoming_request_t request, const char *etag) {
  wasi_http_types_own_headers_t headers = wasi_http_types_method_incoming_request_headers(request);
  fileserver_string_t name = {(uint8_t *)"if-none-match", 13};
  wasi_http_types_list_field_value_t values;
  wasi_http_types_method_fields_get(wasi_http_types_borrow_fields(headers), &name, &values);
  wasi_http_types_fields_drop_own(headers);
  bool found = false;
  for (size_t i = 0; i < values.len; i++)
    found |= values.ptr[i].len == strlen(etag) && memcmp(values.ptr[i].ptr, etag, values.ptr[i].len) == 0;
  return found;
}

static void send_file(response_t *r, wasi_http_types_borrow_incoming_request_t request, bool head, descriptor_t file,
                      const char *path) {
  wasi_filesystem_types_descriptor_stat_t st;
  wasi_filesystem_types_metadata_hash_value_t hash;
  wasi_filesystem_types_own_input_stream_t in;
  code_t code;
  if (!wasi_filesystem_types_method_descriptor_stat(file, &st, &code) ||
      !wasi_filesystem_types_method_descriptor_metadata_hash(file, &hash, &code) ||
      !wasi_filesystem_types_method_descriptor_read_via_stream(file, 0, &in, &code))
    return refuse(r, code);
  char text[40] = "\"";
  strcpy(put_hex(put_hex(text + 1, hash.upper, 16), hash.lower, 16), "\"");
  header(r, "etag", text);
  if (matches(request, text)) return end(begin(r, 304));
  *put_decimal(text, st.size) = 0;
  header(r, "content-length", text);
  header(r, "content-type", type_of(path));
  wasi_http_types_own_outgoing_body_t body = begin(r, 200);
  if (head) return end(body);
  wasi_io_streams_own_output_stream_t out;
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &out);
  wasi_io_streams_stream_error_t err;
  uint64_t moved, left = st.size;
  while (left > 0 && wasi_io_streams_method_output_stream_blocking_splice(
                         wasi_io_streams_borrow_output_stream(out), wasi_io_streams_borrow_input_stream(in), left, &moved, &err))
    left -= moved;
  wasi_io_streams_output_stream_drop_own(out);
  // When the file has become shorter, the length is wrong and the host says so.
  end(body);
}

static char *put(char *p, const char *text) {
  while (*text != 0) *p++ = *text++;
  return p;
}

// write_link writes an entry of a list, whose name may have any character.
static void write_link(wasi_io_streams_borrow_output_stream_t out, fileserver_string_t name, bool directory) {
  char *line = malloc(8 * name.len + 64), *p = put(line, "<li><a href=\"./");
  for (size_t i = 0; i < name.len; i++) p = put_hex(put(p, "%"), name.ptr[i], 2);
  p = put(p, directory ? "/\">" : "\">");
  for (size_t i = 0; i < name.len; i++) {
    uint8_t c = name.ptr[i];
    if (c == '&' || c == '<' || c == '>')
      p = put(put_decimal(put(p, "&#"), c), ";");
    else
      *p++ = c;
  }
  p = put(p, directory ? "/</a>\n" : "</a>\n");
  write_text(out, line, p - line);
  free(line);
}

static void send_list(response_t *r, bool head, descriptor_t dir) {
  wasi_filesystem_types_own_directory_entry_stream_t entries;
  code_t code;
  if (!wasi_filesystem_types_method_descriptor_read_directory(dir, &entries, &code)) return refuse(r, code);
  header(r, "content-type", "text/html; charset=utf-8");
  wasi_http_types_own_outgoing_body_t body = begin(r, 200);
  if (head) return end(body);
  wasi_io_streams_own_output_stream_t own;
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &own);
  wasi_io_streams_borrow_output_stream_t out = wasi_io_streams_borrow_output_stream(own);
  write_text(out, "<!doctype html>\n<ul>\n", 21);
  wasi_filesystem_types_option_directory_entry_t entry;
  while (wasi_filesystem_types_method_directory_entry_stream_read_directory_entry(
             wasi_filesystem_types_borrow_directory_entry_stream(entries), &entry, &code) &&
         entry.is_some) {
    write_link(out, entry.val.name, entry.val.type == WASI_FILESYSTEM_TYPES_DESCRIPTOR_TYPE_DIRECTORY);
    wasi_filesystem_types_option_directory_entry_free(&entry);
  }
  write_text(out, "</ul>\n", 6);
  wasi_io_streams_output_stream_drop_own(own);
  end(body);
}

static void read_file(response_t *r, wasi_http_types_borrow_incoming_request_t request, bool head, descriptor_t root, const char *path) {
  fileserver_string_t p = {(uint8_t *)path, strlen(path)};
  wasi_filesystem_types_own_descriptor_t own;
  wasi_filesystem_types_descriptor_type_t type;
  code_t code;
  if (!wasi_filesystem_types_method_descriptor_open_at(root, FOLLOW, &p, 0, WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ, &own, &code))
    return refuse(r, code);
  descriptor_t d = wasi_filesystem_types_borrow_descriptor(own);
  if (!wasi_filesystem_types_method_descriptor_get_type(d, &type, &code)) return refuse(r, code);
  if (type == WASI_FILESYSTEM_TYPES_DESCRIPTOR_TYPE_DIRECTORY)
    send_list(r, head, d);
  else
    send_file(r, request, head, d, path);
}

static void write_file(response_t *r, wasi_http_types_borrow_incoming_request_t request, descriptor_t root, const char *path) {
  fileserver_string_t p = {(uint8_t *)path, strlen(path)};
  wasi_filesystem_types_own_descriptor_t own;
  code_t code;
  if (!wasi_filesystem_types_method_descriptor_open_at(
          root, FOLLOW, &p, WASI_FILESYSTEM_TYPES_OPEN_FLAGS_CREATE | WASI_FILESYSTEM_TYPES_OPEN_FLAGS_TRUNCATE,
          WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_WRITE, &own, &code))
    return refuse(r, code);
  wasi_filesystem_types_own_output_stream_t out;
  wasi_http_types_own_incoming_body_t body;
  wasi_http_types_own_input_stream_t in;
  if (!wasi_filesystem_types_method_descriptor_write_via_stream(wasi_filesystem_types_borrow_descriptor(own), 0, &out, &code))
    return refuse(r, code);
  if (!wasi_http_types_method_incoming_request_consume(request, &body) ||
      !wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body), &in))
    return answer(r, 500, "The body cannot be read.\n");
  wasi_io_streams_stream_error_t err;
  uint64_t moved;
  while (wasi_io_streams_method_output_stream_blocking_splice(wasi_io_streams_borrow_output_stream(out),
                                                              wasi_io_streams_borrow_input_stream(in), 1 << 20, &moved, &err)) {
  }
  if (err.tag != WASI_IO_STREAMS_STREAM_ERROR_CLOSED) {
    if (wasi_filesystem_types_filesystem_error_code(wasi_io_error_borrow_error(err.val.last_operation_failed), &code))
      return refuse(r, code);
    return answer(r, 400, "The body broke off.\n");
  }
  end(begin(r, 204));
}

void exports_wasi_http_incoming_handler_handle(exports_wasi_http_incoming_handler_own_incoming_request_t own,
                                               exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  response_t r = {out, wasi_http_types_constructor_fields()};
  wasi_http_types_borrow_incoming_request_t request = wasi_http_types_borrow_incoming_request(own);
  wasi_filesystem_preopens_list_tuple2_own_descriptor_string_t preopens;
  wasi_filesystem_preopens_get_directories(&preopens);
  if (preopens.len == 0) return answer(&r, 503, "There is no directory: start the server with --dir DIRECTORY::/:ro\n");
  descriptor_t root = wasi_filesystem_types_borrow_descriptor(preopens.ptr[0].f0);
  fileserver_string_t target;
  char *path = wasi_http_types_method_incoming_request_path_with_query(request, &target) ? path_of(target) : NULL;
  if (path == NULL) return answer(&r, 400, "That is not the name of a file.\n");
  wasi_http_types_method_t method;
  wasi_http_types_method_incoming_request_method(request, &method);
  switch (method.tag) {
    case WASI_HTTP_TYPES_METHOD_GET:
    case WASI_HTTP_TYPES_METHOD_HEAD:
      return read_file(&r, request, method.tag == WASI_HTTP_TYPES_METHOD_HEAD, root, path);
    case WASI_HTTP_TYPES_METHOD_PUT:
      return write_file(&r, request, root, path);
    case WASI_HTTP_TYPES_METHOD_DELETE: {
      fileserver_string_t p = {(uint8_t *)path, strlen(path)};
      code_t code;
      if (!wasi_filesystem_types_method_descriptor_unlink_file_at(root, &p, &code)) return refuse(&r, code);
      return end(begin(&r, 204));
    }
  }
  header(&r, "allow", "GET, HEAD, PUT, DELETE");
  answer(&r, 405, "The methods are GET, HEAD, PUT and DELETE.\n");
}
