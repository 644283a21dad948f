// Gives back what it is given, and calls the host that does the same: what the
// benchmarks of the canonical ABI measure is the way and nothing else. What a
// function returns is what it got; the bindings free it afterwards.
#include "calls.h"

#include <stdlib.h>

void exports_godwit_calls_values_nothing(void) {}

double exports_godwit_calls_values_scalars(uint32_t a, int64_t b, double c, bool d) { return a + b + c + d; }

void exports_godwit_calls_values_text(calls_string_t *s, calls_string_t *ret) { *ret = *s; }

void exports_godwit_calls_values_bytes(calls_list_u8_t *b, calls_list_u8_t *ret) { *ret = *b; }

void exports_godwit_calls_values_numbers(calls_list_u32_t *n, calls_list_u32_t *ret) { *ret = *n; }

void exports_godwit_calls_values_records(exports_godwit_calls_values_list_entry_t *r,
                                         exports_godwit_calls_values_list_entry_t *ret) {
  *ret = *r;
}

void exports_godwit_calls_outward_nothing(uint32_t n) {
  while (n--) godwit_calls_values_nothing();
}

void exports_godwit_calls_outward_scalars(uint32_t n) {
  while (n--)
    if (godwit_calls_values_scalars(n, -1, 0.5, true) != n + 0.5) abort();
}

void exports_godwit_calls_outward_text(uint32_t n, calls_string_t *s) {
  while (n--) {
    calls_string_t ret;
    godwit_calls_values_text(s, &ret);
    if (ret.len != s->len) abort();
    free(ret.ptr);
  }
  free(s->ptr);
}

void exports_godwit_calls_outward_bytes(uint32_t n, calls_list_u8_t *b) {
  while (n--) {
    calls_list_u8_t ret;
    godwit_calls_values_bytes(b, &ret);
    if (ret.len != b->len) abort();
    free(ret.ptr);
  }
  free(b->ptr);
}
