// A program that tries to get more of the file system than it was granted. Its
// first argument says how; see modes at the end. It uses the first preopen, and
// says on standard output what came of it. conformance/files_test.go puts it
// into a directory that is made for it.
#include <stdlib.h>
#include <string.h>

#include "files.h"

typedef wasi_filesystem_types_borrow_descriptor_t dir_t;
typedef wasi_filesystem_types_own_descriptor_t own_t;
typedef wasi_filesystem_types_error_code_t code_t;

#define FOLLOW WASI_FILESYSTEM_TYPES_PATH_FLAGS_SYMLINK_FOLLOW
#define CREATE WASI_FILESYSTEM_TYPES_OPEN_FLAGS_CREATE
#define DIRECTORY WASI_FILESYSTEM_TYPES_OPEN_FLAGS_DIRECTORY
#define READ WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ
#define WRITE WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_WRITE

static dir_t root;

static void print(const char *s) {
  wasi_io_streams_own_output_stream_t out = wasi_cli_stdout_get_stdout();
  wasi_io_streams_stream_error_t err;
  for (size_t left = strlen(s); left > 0;) {
    files_list_u8_t part = {(uint8_t *)s, left < 4096 ? left : 4096};
    if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(wasi_io_streams_borrow_output_stream(out), &part, &err))
      break;
    s += part.len;
    left -= part.len;
  }
  wasi_io_streams_output_stream_drop_own(out);
}

static void print_number(uint64_t n) {
  char b[21], *p = b + 20;
  for (*p = 0; n >= 10; n /= 10) *--p = '0' + n % 10;
  *--p = '0' + n;
  print(p);
}

static const char *const code_names[] = {
    "access", "would-block", "already", "bad-descriptor", "busy", "deadlock", "quota", "exist", "file-too-large",
    "illegal-byte-sequence", "in-progress", "interrupted", "invalid", "io", "is-directory", "loop", "too-many-links",
    "message-size", "name-too-long", "no-device", "no-entry", "no-lock", "insufficient-memory", "insufficient-space",
    "not-directory", "not-empty", "not-recoverable", "unsupported", "no-tty", "no-such-device", "overflow",
    "not-permitted", "pipe", "read-only", "invalid-seek", "text-file-busy", "cross-device"};

static const char *name(bool ok, code_t code) { return ok ? "ok" : code_names[code]; }

static files_string_t str(const char *s) { return (files_string_t){(uint8_t *)s, strlen(s)}; }

static bool open_at(dir_t dir, const char *path, uint8_t path_flags, uint8_t open_flags, uint8_t flags, own_t *fd, code_t *code) {
  files_string_t p = str(path);
  return wasi_filesystem_types_method_descriptor_open_at(dir, path_flags, &p, open_flags, flags, fd, code);
}

// What follows is what can be done with a path; each says how it went.

typedef const char *attempt_t(const char *path);

static const char *try_open(const char *path, uint8_t path_flags, uint8_t open_flags, uint8_t flags) {
  own_t fd;
  code_t code;
  bool ok = open_at(root, path, path_flags, open_flags, flags, &fd, &code);
  if (ok) wasi_filesystem_types_descriptor_drop_own(fd);
  return name(ok, code);
}

static const char *try_read(const char *path) { return try_open(path, 0, 0, READ); }
static const char *try_read_follow(const char *path) { return try_open(path, FOLLOW, 0, READ); }
static const char *try_write(const char *path) { return try_open(path, FOLLOW, 0, WRITE); }
static const char *try_create(const char *path) { return try_open(path, FOLLOW, CREATE, WRITE); }
static const char *try_directory(const char *path) { return try_open(path, FOLLOW, DIRECTORY, READ); }

static const char *try_stat(const char *path) {
  files_string_t p = str(path);
  wasi_filesystem_types_descriptor_stat_t st;
  code_t code;
  return name(wasi_filesystem_types_method_descriptor_stat_at(root, FOLLOW, &p, &st, &code), code);
}

static const char *try_hash(const char *path) {
  files_string_t p = str(path);
  wasi_filesystem_types_metadata_hash_value_t hash;
  code_t code;
  return name(wasi_filesystem_types_method_descriptor_metadata_hash_at(root, FOLLOW, &p, &hash, &code), code);
}

static const char *try_times(const char *path) {
  files_string_t p = str(path);
  wasi_filesystem_types_new_timestamp_t now = {.tag = WASI_FILESYSTEM_TYPES_NEW_TIMESTAMP_NOW};
  code_t code;
  return name(wasi_filesystem_types_method_descriptor_set_times_at(root, FOLLOW, &p, &now, &now, &code), code);
}

static const char *try_readlink(const char *path) {
  files_string_t p = str(path), target;
  code_t code;
  return name(wasi_filesystem_types_method_descriptor_readlink_at(root, &p, &target, &code), code);
}

static const char *try_mkdir(const char *path) {
  files_string_t p = str(path);
  code_t code;
  return name(wasi_filesystem_types_method_descriptor_create_directory_at(root, &p, &code), code);
}

static const char *try_rmdir(const char *path) {
  files_string_t p = str(path);
  code_t code;
  return name(wasi_filesystem_types_method_descriptor_remove_directory_at(root, &p, &code), code);
}

static const char *try_unlink(const char *path) {
  files_string_t p = str(path);
  code_t code;
  return name(wasi_filesystem_types_method_descriptor_unlink_file_at(root, &p, &code), code);
}

static const char *rename_at(const char *from, const char *to) {
  files_string_t f = str(from), t = str(to);
  code_t code;
  return name(wasi_filesystem_types_method_descriptor_rename_at(root, &f, root, &t, &code), code);
}

static const char *try_rename_from(const char *path) { return rename_at(path, "taken"); }
static const char *try_rename_to(const char *path) { return rename_at("mine", path); }

static const char *link_at(const char *from, const char *to) {
  files_string_t f = str(from), t = str(to);
  code_t code;
  return name(wasi_filesystem_types_method_descriptor_link_at(root, 0, &f, root, &t, &code), code);
}

static const char *try_link_from(const char *path) { return link_at(path, "taken"); }
static const char *try_link_to(const char *path) { return link_at("mine", path); }

static const char *try_symlink(const char *path) {
  files_string_t target = str("mine"), p = str(path);
  code_t code;
  return name(wasi_filesystem_types_method_descriptor_symlink_at(root, &target, &p, &code), code);
}

static const char *try_symlink_target(const char *path) {
  files_string_t target = str(path), p = str("made");
  code_t code;
  return name(wasi_filesystem_types_method_descriptor_symlink_at(root, &target, &p, &code), code);
}

static const struct {
  const char *name;
  attempt_t *attempt;
} attempts[] = {
    {"read", try_read},           {"read-follow", try_read_follow}, {"write", try_write},
    {"create", try_create},       {"directory", try_directory},     {"stat", try_stat},
    {"hash", try_hash},           {"times", try_times},             {"readlink", try_readlink},
    {"mkdir", try_mkdir},         {"rmdir", try_rmdir},             {"unlink", try_unlink},
    {"rename-from", try_rename_from}, {"rename-to", try_rename_to}, {"link-from", try_link_from},
    {"link-to", try_link_to},     {"symlink", try_symlink},
};

static void report(const char *what, const char *path, const char *outcome) {
  print(what);
  print(" ");
  print(path);
  print(" ");
  print(outcome);
  print("\n");
}

// escape does everything with each path of its arguments.
static void escape(size_t n, files_string_t *paths) {
  for (size_t i = 0; i < n; i++) {
    char *path = strndup((char *)paths[i].ptr, paths[i].len);
    for (size_t a = 0; a < sizeof attempts / sizeof *attempts; a++)
      report(attempts[a].name, path, attempts[a].attempt(path));
    free(path);
  }
  report("symlink-to", "/etc/passwd", try_symlink_target("/etc/passwd"));
}

// sizes uses names and paths longer than any can be.
static void sizes(size_t n, files_string_t *unused) {
  static char path[1 << 20];
  for (size_t size = 300; size < sizeof path; size = size * 3 + 1) {
    memset(path, 'x', size);
    path[size] = 0;
    for (size_t a = 0; a < sizeof attempts / sizeof *attempts; a++) {
      const char *outcome = attempts[a].attempt(path);
      if (strcmp(outcome, "name-too-long") != 0) report(attempts[a].name, "of a long name", outcome);
    }
    for (size_t i = 1; i < size; i += 2) path[i] = '/';
    for (size_t a = 0; a < sizeof attempts / sizeof *attempts; a++)
      if (strcmp(attempts[a].attempt(path), "ok") == 0) report(attempts[a].name, "of a deep path", "ok");
  }
  print("done\n");
}

// exhaust opens files, directories and streams of them until it may no more, and
// keeps them.
static void exhaust(size_t n, files_string_t *unused) {
  code_t code;
  for (uint64_t opened = 0;; opened++) {
    own_t fd;
    wasi_filesystem_types_own_directory_entry_stream_t entries;
    bool ok = opened % 3 == 0   ? open_at(root, "mine", 0, 0, READ, &fd, &code)
              : opened % 3 == 1 ? open_at(root, "d", 0, DIRECTORY, READ, &fd, &code)
                                : wasi_filesystem_types_method_descriptor_read_directory(root, &entries, &code);
    if (!ok) {
      print_number(opened);
      report(" open, then", "", name(ok, code));
      return;
    }
    if (opened == 100000) {
      print("there is no end to it\n");
      return;
    }
  }
}

// forget keeps files open, and traps.
static void forget(size_t n, files_string_t *unused) {
  own_t fd;
  code_t code;
  for (int i = 0; i < 50; i++) {
    if (!open_at(root, "mine", 0, 0, READ | WRITE, &fd, &code)) break;
    wasi_filesystem_types_own_input_stream_t in;
    wasi_filesystem_types_method_descriptor_read_via_stream(wasi_filesystem_types_borrow_descriptor(fd), 0, &in, &code);
    files_tuple2_list_u8_bool_t data;
    wasi_filesystem_types_method_descriptor_read(wasi_filesystem_types_borrow_descriptor(fd), UINT64_MAX, 0, &data, &code);
  }
  __builtin_trap();
}

// race reads p/secret over and over, while the host puts other things at p.
static void race(size_t n, files_string_t *unused) {
  uint64_t read = 0, failed = 0;
  for (int i = 0; i < 3000; i++) {
    own_t fd;
    code_t code;
    if (!open_at(root, i % 2 ? "p/secret" : "p/d/../secret", FOLLOW, 0, READ, &fd, &code)) {
      failed++;
      continue;
    }
    files_tuple2_list_u8_bool_t data;
    if (wasi_filesystem_types_method_descriptor_read(wasi_filesystem_types_borrow_descriptor(fd), 100, 0, &data, &code)) {
      read++;
      if (data.f0.len == 6 && memcmp(data.f0.ptr, "secret", 6) == 0) print("it is out\n");
      free(data.f0.ptr);
    }
    wasi_filesystem_types_descriptor_drop_own(fd);
    try_create("p/made");
    try_unlink("p/made");
  }
  print(read > 0 && failed > 0 ? "raced\n" : "there was no race\n");
}

static const struct {
  const char *name;
  void (*run)(size_t n, files_string_t *args);
} modes[] = {{"escape", escape}, {"sizes", sizes}, {"exhaust", exhaust}, {"forget", forget}, {"race", race}};

bool exports_wasi_cli_run_run(void) {
  files_list_string_t args;
  wasi_cli_environment_get_arguments(&args);
  wasi_filesystem_preopens_list_tuple2_own_descriptor_string_t preopens;
  wasi_filesystem_preopens_get_directories(&preopens);
  if (args.len < 2 || preopens.len == 0) return false;
  root = wasi_filesystem_types_borrow_descriptor(preopens.ptr[0].f0);
  for (size_t m = 0; m < sizeof modes / sizeof *modes; m++)
    if (args.ptr[1].len == strlen(modes[m].name) && memcmp(args.ptr[1].ptr, modes[m].name, args.ptr[1].len) == 0) {
      modes[m].run(args.len - 2, args.ptr + 2);
      return true;
    }
  return false;
}
