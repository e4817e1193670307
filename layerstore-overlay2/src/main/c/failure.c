#include "failure.h"

#include <errno.h>

#include "wire.h"

uint32_t current_sequence;

void report(uint16_t code, int error, const char *stage, const void *path, size_t length, const char *text) {
  put_frame(OP_ERROR, current_sequence);
  put_u16(code);
  put_u32((uint32_t)error);
  put_text(stage);
  put_bytes(path, length < 8192 ? length : 8192);
  put_text(text);
  put_end();
}

_Noreturn void fail_code(uint16_t code, int error, const char *stage, const void *path, size_t length) {
  report(code, error, stage, path, length, "");
  wire_flush();
  quit(EXIT_FAILED);
}

_Noreturn void fail(const char *stage, const void *path, size_t length) {
  fail_code(CODE_SYSTEM, errno, stage, path, length);
}

_Noreturn void protocol_error(uint32_t sequence, const char *what) {
  current_sequence = sequence;
  report(CODE_PROTOCOL, 0, what, "", 0, "");
  wire_flush();
  quit(EXIT_PROTOCOL);
}
