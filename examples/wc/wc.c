// Counts lines, words and bytes of files, of all files in a directory, or of
// standard input:
//
//     godwit run --dir .::.:ro examples/wc/wc.wasm README.md docs
//     cat README.md | godwit run examples/wc/wc.wasm
//
// It is plain C, with nothing of WebAssembly in it; see build.sh.
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
  unsigned long long lines, words, bytes;
} counts_t;

static counts_t total;
static int counted, failed;

static void print(counts_t c, const char *name) { printf("%8llu %8llu %8llu %s\n", c.lines, c.words, c.bytes, name); }

static void fail(const char *name) {
  fprintf(stderr, "wc: %s: %s\n", name, strerror(errno));
  failed = 1;
}

static void count(FILE *f, const char *name) {
  counts_t c = {0};
  int in_word = 0;
  static unsigned char buffer[1 << 16];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, f)) > 0;) {
    c.bytes += n;
    for (size_t i = 0; i < n; i++) {
      int space = isspace(buffer[i]);
      c.lines += buffer[i] == '\n';
      c.words += !space && !in_word;
      in_word = !space;
    }
  }
  if (ferror(f)) return fail(name);
  print(c, name);
  total.lines += c.lines, total.words += c.words, total.bytes += c.bytes;
  counted++;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void visit(const char *path);

static void visit_directory(const char *path) {
  DIR *dir = opendir(path);
  if (dir == NULL) return fail(path);
  char **names = NULL;
  size_t n = 0;
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    names = realloc(names, (n + 1) * sizeof *names);
    names[n++] = strdup(e->d_name);
  }
  closedir(dir);
  qsort(names, n, sizeof *names, by_name);
  for (size_t i = 0; i < n; i++) {
    char *inner = malloc(strlen(path) + strlen(names[i]) + 2);
    sprintf(inner, "%s/%s", path, names[i]);
    visit(inner);
    free(inner);
    free(names[i]);
  }
  free(names);
}

static void visit(const char *path) {
  struct stat st;
  if (stat(path, &st) != 0) return fail(path);
  if (S_ISDIR(st.st_mode)) return visit_directory(path);
  FILE *f = fopen(path, "rb");
  if (f == NULL) return fail(path);
  count(f, path);
  fclose(f);
}

int main(int argc, char **argv) {
  if (argc < 2) count(stdin, "");
  for (int i = 1; i < argc; i++) visit(argv[i]);
  if (counted > 1) print(total, "total");
  return failed;
}
