// A text plugin: counts the words of a text and finds words in documents.
// It logs through the resource that the host implements.
#include "text_plugin.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 1000

typedef struct {
  const char *ptr;
  size_t len;
  uint32_t count;
} word;

// next_word finds the next word of text at or after *at; it returns 0 at the end.
static int next_word(const char *text, size_t len, size_t *at, word *w) {
  size_t i = *at;
  while (i < len && !isalnum((unsigned char)text[i])) i++;
  if (i == len) return 0;
  size_t start = i;
  while (i < len && isalnum((unsigned char)text[i])) i++;
  w->ptr = text + start;
  w->len = i - start;
  w->count = 1;
  *at = i;
  return 1;
}

static int same(const word *a, const char *ptr, size_t len) {
  return a->len == len && memcmp(a->ptr, ptr, len) == 0;
}

static uint32_t lines_before(const char *text, const char *end) {
  uint32_t n = 0;
  for (const char *p = text; p < end; p++) n += *p == '\n';
  return n;
}

static void log_count(const char *what, uint32_t n, godwit_text_plugin_logger_level_t level) {
  char digits[11];
  size_t at = sizeof digits;
  digits[--at] = 0;
  do {
    digits[--at] = '0' + n % 10;
    n /= 10;
  } while (n);

  text_plugin_string_t name, message;
  godwit_text_plugin_logger_field_t field;
  text_plugin_string_set(&name, "plugin");
  text_plugin_string_set(&message, what);
  text_plugin_string_set(&field.key, "count");
  text_plugin_string_set(&field.value, digits + at);
  godwit_text_plugin_logger_list_field_t fields = {&field, 1};
  godwit_text_plugin_logger_own_log_t log = godwit_text_plugin_logger_constructor_log(&name);
  godwit_text_plugin_logger_method_log_write(godwit_text_plugin_logger_borrow_log(log), level, &message, &fields);
  godwit_text_plugin_logger_log_drop_own(log);
}

static int by_count(const void *a, const void *b) {
  const word *x = a, *y = b;
  if (x->count != y->count) return x->count < y->count ? 1 : -1;
  return x->ptr < y->ptr ? -1 : 1;
}

bool exports_godwit_text_plugin_analysis_analyze(text_plugin_string_t *text, uint32_t top,
    exports_godwit_text_plugin_analysis_report_t *ret,
    exports_godwit_text_plugin_analysis_failure_t *err) {
  static word words[MAX_WORDS];
  const char *s = (const char *)text->ptr;
  size_t n = 0, at = 0;
  uint32_t total = 0;
  word w, longest = {0};

  while (next_word(s, text->len, &at, &w)) {
    total++;
    if (w.len > longest.len) longest = w;
    size_t i = 0;
    while (i < n && !same(&words[i], w.ptr, w.len)) i++;
    if (i < n) {
      words[i].count++;
    } else if (n < MAX_WORDS) {
      words[n++] = w;
    } else {
      err->tag = EXPORTS_GODWIT_TEXT_PLUGIN_ANALYSIS_FAILURE_TOO_MANY_WORDS;
      err->val.too_many_words = MAX_WORDS;
      log_count("too many words", MAX_WORDS, GODWIT_TEXT_PLUGIN_LOGGER_LEVEL_WARNING);
      text_plugin_string_free(text);
      return false;
    }
  }
  if (total == 0) {
    err->tag = EXPORTS_GODWIT_TEXT_PLUGIN_ANALYSIS_FAILURE_EMPTY;
    text_plugin_string_free(text);
    return false;
  }
  qsort(words, n, sizeof words[0], by_count);
  if (top > n) top = n;
  ret->words = total;
  ret->lines = lines_before(s, s + text->len) + (s[text->len - 1] != '\n');
  ret->top.len = top;
  ret->top.ptr = calloc(top, sizeof *ret->top.ptr);
  for (size_t i = 0; i < top; i++) {
    text_plugin_string_dup_n(&ret->top.ptr[i].text, words[i].ptr, words[i].len);
    ret->top.ptr[i].count = words[i].count;
  }
  ret->longest.is_some = true;
  text_plugin_string_dup_n(&ret->longest.val, longest.ptr, longest.len);
  text_plugin_string_free(text);
  log_count("analyzed", total, GODWIT_TEXT_PLUGIN_LOGGER_LEVEL_INFO);
  return true;
}

typedef struct document {
  struct document *next;
  text_plugin_string_t name, text;
} document;

struct exports_godwit_text_plugin_analysis_index_t {
  document *first, **last;
  uint32_t count;
};

exports_godwit_text_plugin_analysis_own_index_t exports_godwit_text_plugin_analysis_constructor_index(void) {
  exports_godwit_text_plugin_analysis_index_t *x = calloc(1, sizeof *x);
  x->last = &x->first;
  return exports_godwit_text_plugin_analysis_index_new(x);
}

uint32_t exports_godwit_text_plugin_analysis_method_index_add(
    exports_godwit_text_plugin_analysis_borrow_index_t self,
    text_plugin_string_t *name, text_plugin_string_t *text) {
  document *d = calloc(1, sizeof *d);
  d->name = *name;
  d->text = *text;
  *self->last = d;
  self->last = &d->next;
  return ++self->count;
}

void exports_godwit_text_plugin_analysis_method_index_search(
    exports_godwit_text_plugin_analysis_borrow_index_t self,
    text_plugin_string_t *wanted, exports_godwit_text_plugin_analysis_list_hit_t *ret) {
  size_t cap = 0;
  ret->ptr = NULL;
  ret->len = 0;
  for (document *d = self->first; d; d = d->next) {
    const char *s = (const char *)d->text.ptr;
    size_t at = 0;
    word w;
    while (next_word(s, d->text.len, &at, &w)) {
      if (!same(&w, (const char *)wanted->ptr, wanted->len)) continue;
      if (ret->len == cap) {
        cap = cap ? 2 * cap : 4;
        ret->ptr = realloc(ret->ptr, cap * sizeof *ret->ptr);
      }
      exports_godwit_text_plugin_analysis_hit_t *hit = &ret->ptr[ret->len++];
      text_plugin_string_dup_n(&hit->document, (const char *)d->name.ptr, d->name.len);
      hit->line = lines_before(s, w.ptr) + 1;
    }
  }
  text_plugin_string_free(wanted);
}

void exports_godwit_text_plugin_analysis_index_destructor(exports_godwit_text_plugin_analysis_index_t *x) {
  uint32_t n = x->count;
  while (x->first) {
    document *d = x->first;
    x->first = d->next;
    text_plugin_string_free(&d->name);
    text_plugin_string_free(&d->text);
    free(d);
  }
  free(x);
  log_count("index dropped", n, GODWIT_TEXT_PLUGIN_LOGGER_LEVEL_DEBUG);
}
