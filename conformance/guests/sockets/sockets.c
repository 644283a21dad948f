// A program that talks to the network, one thing per run:
//
//   connect HOST PORT TEXT   TCP: sends TEXT, prints what comes back
//   serve                    TCP: prints its port, sends one client back what it sends
//   send HOST PORT TEXT      UDP: sends TEXT, prints what comes back
//   serve-udp                UDP: prints its port, sends one datagram back
//   leave HOST PORT          TCP: connects, reads nothing, and ends without dropping anything
//
// HOST is looked up. A failure is printed with the name of its error code.
#include <stdlib.h>
#include <string.h>

#include "program.h"

typedef wasi_sockets_network_error_code_t code;
typedef wasi_sockets_network_ip_socket_address_t address;

static const char *const code_names[] = {
    "unknown", "access-denied", "not-supported", "invalid-argument", "out-of-memory", "timeout",
    "concurrency-conflict", "not-in-progress", "would-block", "invalid-state", "new-socket-limit",
    "address-not-bindable", "address-in-use", "remote-unreachable", "connection-refused", "connection-reset",
    "connection-aborted", "datagram-too-large", "name-unresolvable", "temporary-resolver-failure",
    "permanent-resolver-failure"};

static void print(const void *text, size_t n) {
  wasi_io_streams_own_output_stream_t out = wasi_cli_stdout_get_stdout();
  program_list_u8_t bytes = {(uint8_t *)text, n};
  wasi_io_streams_stream_error_t err;
  wasi_io_streams_method_output_stream_blocking_write_and_flush(wasi_io_streams_borrow_output_stream(out), &bytes, &err);
  wasi_io_streams_output_stream_drop_own(out);
}

static void say(const char *text) { print(text, strlen(text)); }

static void say_port(const address *a) {
  char text[6];
  size_t n = sizeof text;
  text[--n] = '\n';
  for (uint16_t port = a->val.ipv4.port; port; port /= 10) text[--n] = '0' + port % 10;
  print(text + n, sizeof text - n);
}

static bool failed(const char *what, code c) {
  say(what);
  say(": ");
  say(code_names[c]);
  say("\n");
  return false;
}

static void block(wasi_io_poll_own_pollable_t p) {
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(p));
  wasi_io_poll_pollable_drop_own(p);
}

static wasi_sockets_network_borrow_network_t network(void) {
  static wasi_sockets_network_own_network_t n;
  if (!n.__handle) n = wasi_sockets_instance_network_instance_network();
  return wasi_sockets_network_borrow_network(n);
}

// lookup finds the first IPv4 address of a name.
static bool lookup(const char *name, uint16_t port, address *out) {
  program_string_t text = {(uint8_t *)name, strlen(name)};
  wasi_sockets_ip_name_lookup_own_resolve_address_stream_t own;
  code c;
  if (!wasi_sockets_ip_name_lookup_resolve_addresses(network(), &text, &own, &c)) return failed("lookup", c);
  wasi_sockets_ip_name_lookup_borrow_resolve_address_stream_t s =
      wasi_sockets_ip_name_lookup_borrow_resolve_address_stream(own);
  bool found = false;
  for (;;) {
    wasi_sockets_ip_name_lookup_option_ip_address_t next;
    if (!wasi_sockets_ip_name_lookup_method_resolve_address_stream_resolve_next_address(s, &next, &c)) {
      if (c != WASI_SOCKETS_NETWORK_ERROR_CODE_WOULD_BLOCK) return failed("lookup", c);
      block(wasi_sockets_ip_name_lookup_method_resolve_address_stream_subscribe(s));
      continue;
    }
    if (!next.is_some) break;
    if (next.val.tag == WASI_SOCKETS_NETWORK_IP_ADDRESS_IPV4 && !found) {
      found = true;
      *out = (address){.tag = WASI_SOCKETS_NETWORK_IP_SOCKET_ADDRESS_IPV4,
                       .val.ipv4 = {.port = port, .address = next.val.val.ipv4}};
    }
  }
  wasi_sockets_ip_name_lookup_resolve_address_stream_drop_own(own);
  if (!found) say("lookup: no IPv4 address\n");
  return found;
}

static const address loopback = {.tag = WASI_SOCKETS_NETWORK_IP_SOCKET_ADDRESS_IPV4,
                                 .val.ipv4 = {.port = 0, .address = {127, 0, 0, 1}}};
static const address anywhere = {.tag = WASI_SOCKETS_NETWORK_IP_SOCKET_ADDRESS_IPV4};

typedef struct {
  wasi_sockets_tcp_own_tcp_socket_t socket;
  wasi_sockets_tcp_own_input_stream_t in;
  wasi_sockets_tcp_own_output_stream_t out;
} connection;

static bool tcp_connect(const char *host, uint16_t port, connection *c) {
  address to;
  if (!lookup(host, port, &to)) return false;
  code e;
  if (!wasi_sockets_tcp_create_socket_create_tcp_socket(WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4, &c->socket, &e))
    return failed("create", e);
  wasi_sockets_tcp_borrow_tcp_socket_t s = wasi_sockets_tcp_borrow_tcp_socket(c->socket);
  if (!wasi_sockets_tcp_method_tcp_socket_start_connect(s, network(), &to, &e)) return failed("connect", e);
  wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t streams;
  while (!wasi_sockets_tcp_method_tcp_socket_finish_connect(s, &streams, &e)) {
    if (e != WASI_SOCKETS_NETWORK_ERROR_CODE_WOULD_BLOCK) return failed("connect", e);
    block(wasi_sockets_tcp_method_tcp_socket_subscribe(s));
  }
  c->in = streams.f0;
  c->out = streams.f1;
  return true;
}

static void hang_up(connection *c) {
  wasi_io_streams_input_stream_drop_own(c->in);
  wasi_io_streams_output_stream_drop_own(c->out);
  wasi_sockets_tcp_tcp_socket_drop_own(c->socket);
}

static bool tcp_client(const char *host, uint16_t port, const char *text) {
  connection c;
  if (!tcp_connect(host, port, &c)) return false;
  program_list_u8_t bytes = {(uint8_t *)text, strlen(text)};
  wasi_io_streams_stream_error_t err;
  if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(wasi_io_streams_borrow_output_stream(c.out),
                                                                     &bytes, &err))
    return say("write failed\n"), false;
  code e;
  if (!wasi_sockets_tcp_method_tcp_socket_shutdown(wasi_sockets_tcp_borrow_tcp_socket(c.socket),
                                                   WASI_SOCKETS_TCP_SHUTDOWN_TYPE_SEND, &e))
    return failed("shutdown", e);
  program_list_u8_t got;
  while (wasi_io_streams_method_input_stream_blocking_read(wasi_io_streams_borrow_input_stream(c.in), 4096, &got, &err)) {
    print(got.ptr, got.len);
    program_list_u8_free(&got);
  }
  say("\n");
  hang_up(&c);
  return err.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
}

static bool tcp_server(void) {
  wasi_sockets_tcp_own_tcp_socket_t own;
  code e;
  if (!wasi_sockets_tcp_create_socket_create_tcp_socket(WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4, &own, &e))
    return failed("create", e);
  wasi_sockets_tcp_borrow_tcp_socket_t s = wasi_sockets_tcp_borrow_tcp_socket(own);
  address at = loopback;
  if (!wasi_sockets_tcp_method_tcp_socket_start_bind(s, network(), &at, &e) ||
      !wasi_sockets_tcp_method_tcp_socket_finish_bind(s, &e))
    return failed("bind", e);
  if (!wasi_sockets_tcp_method_tcp_socket_start_listen(s, &e) ||
      !wasi_sockets_tcp_method_tcp_socket_finish_listen(s, &e))
    return failed("listen", e);
  if (!wasi_sockets_tcp_method_tcp_socket_local_address(s, &at, &e)) return failed("address", e);
  say_port(&at);
  wasi_sockets_tcp_tuple3_own_tcp_socket_own_input_stream_own_output_stream_t got;
  while (!wasi_sockets_tcp_method_tcp_socket_accept(s, &got, &e)) {
    if (e != WASI_SOCKETS_NETWORK_ERROR_CODE_WOULD_BLOCK) return failed("accept", e);
    block(wasi_sockets_tcp_method_tcp_socket_subscribe(s));
  }
  wasi_io_streams_stream_error_t err;
  uint64_t n;
  while (wasi_io_streams_method_output_stream_blocking_splice(wasi_io_streams_borrow_output_stream(got.f2),
                                                              wasi_io_streams_borrow_input_stream(got.f1), 65536, &n, &err))
    ;
  hang_up(&(connection){got.f0, got.f1, got.f2});
  return err.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
}

typedef wasi_sockets_udp_tuple2_own_incoming_datagram_stream_own_outgoing_datagram_stream_t datagrams;

static bool udp_open(const address *at, address *to, address *local, datagrams *d) {
  static wasi_sockets_udp_own_udp_socket_t own;
  code e;
  if (!wasi_sockets_udp_create_socket_create_udp_socket(WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4, &own, &e))
    return failed("create", e);
  wasi_sockets_udp_borrow_udp_socket_t s = wasi_sockets_udp_borrow_udp_socket(own);
  address bind_to = *at;
  if (!wasi_sockets_udp_method_udp_socket_start_bind(s, network(), &bind_to, &e) ||
      !wasi_sockets_udp_method_udp_socket_finish_bind(s, &e))
    return failed("bind", e);
  if (!wasi_sockets_udp_method_udp_socket_stream(s, to, d, &e)) return failed("stream", e);
  if (!wasi_sockets_udp_method_udp_socket_local_address(s, local, &e)) return failed("address", e);
  return true;
}

static bool udp_send(datagrams *d, program_list_u8_t data, const address *to) {
  wasi_sockets_udp_borrow_outgoing_datagram_stream_t out = wasi_sockets_udp_borrow_outgoing_datagram_stream(d->f1);
  uint64_t n = 0;
  code e;
  for (;;) {
    if (!wasi_sockets_udp_method_outgoing_datagram_stream_check_send(out, &n, &e)) return failed("check-send", e);
    if (n > 0) break;
    block(wasi_sockets_udp_method_outgoing_datagram_stream_subscribe(out));
  }
  wasi_sockets_udp_outgoing_datagram_t one = {.data = data};
  if (to) one.remote_address = (wasi_sockets_udp_option_ip_socket_address_t){true, *to};
  wasi_sockets_udp_list_outgoing_datagram_t all = {&one, 1};
  if (!wasi_sockets_udp_method_outgoing_datagram_stream_send(out, &all, &n, &e)) return failed("send", e);
  return n == 1;
}

static bool udp_receive(datagrams *d, wasi_sockets_udp_list_incoming_datagram_t *got) {
  wasi_sockets_udp_borrow_incoming_datagram_stream_t in = wasi_sockets_udp_borrow_incoming_datagram_stream(d->f0);
  code e;
  for (;;) {
    if (!wasi_sockets_udp_method_incoming_datagram_stream_receive(in, 1, got, &e)) return failed("receive", e);
    if (got->len > 0) return true;
    block(wasi_sockets_udp_method_incoming_datagram_stream_subscribe(in));
  }
}

static bool udp_client(const char *host, uint16_t port, const char *text) {
  address to, local;
  datagrams d;
  if (!lookup(host, port, &to) || !udp_open(&anywhere, &to, &local, &d)) return false;
  program_list_u8_t data = {(uint8_t *)text, strlen(text)};
  wasi_sockets_udp_list_incoming_datagram_t got;
  if (!udp_send(&d, data, NULL) || !udp_receive(&d, &got)) return false;
  print(got.ptr[0].data.ptr, got.ptr[0].data.len);
  say("\n");
  return true;
}

static bool udp_server(void) {
  address local;
  datagrams d;
  if (!udp_open(&loopback, NULL, &local, &d)) return false;
  say_port(&local);
  wasi_sockets_udp_list_incoming_datagram_t got;
  return udp_receive(&d, &got) && udp_send(&d, got.ptr[0].data, &got.ptr[0].remote_address);
}

// argument is argument i as a C string.
static const char *argument(program_list_string_t *args, size_t i) {
  if (i >= args->len) return "";
  return strndup((char *)args->ptr[i].ptr, args->ptr[i].len);
}

bool exports_wasi_cli_run_run(void) {
  program_list_string_t args;
  wasi_cli_environment_get_arguments(&args);
  const char *what = argument(&args, 1), *host = argument(&args, 2), *text = argument(&args, 4);
  uint16_t port = (uint16_t)atoi(argument(&args, 3));
  connection c;
  if (!strcmp(what, "connect")) return tcp_client(host, port, text);
  if (!strcmp(what, "serve")) return tcp_server();
  if (!strcmp(what, "send")) return udp_client(host, port, text);
  if (!strcmp(what, "serve-udp")) return udp_server();
  if (!strcmp(what, "leave")) return tcp_connect(host, port, &c);
  say("no such thing\n");
  return false;
}
