#include "wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Two of the longest frames, so that moving the rest of one to the front is rare. */
enum { INPUT_SIZE = 2 * (HEADER_SIZE + BULK_LIMIT), OUTPUT_SIZE = HEADER_SIZE + BULK_LIMIT };

uint32_t current_sequence;

static struct {
  int fd;
  size_t start, end;
  void (*before_reuse)(void);
  uint8_t bytes[INPUT_SIZE];
} in;

/* Memory that is shared with the JVM, and the frames that are left in the block of it that is being read. */
static struct {
  const uint8_t *memory;
  size_t size;
  uint32_t offset;
  const uint8_t *at, *end; /* `at` is null when there is no block */
} block;

static struct {
  int fd;
  size_t frame, used; /* where the current frame begins; all bytes */
  bool open;
  uint8_t bytes[OUTPUT_SIZE];
} out;

/* ---- reading a body ---- */

struct bytes take_exactly(struct cursor *c, size_t length) {
  if (c->bad || (size_t)(c->end - c->at) < length) {
    c->bad = true;
    return (struct bytes){c->end, 0};
  }
  struct bytes taken_bytes = {c->at, length};
  c->at += length;
  return taken_bytes;
}

static uint64_t take_number(struct cursor *c, size_t width) {
  struct bytes b = take_exactly(c, width);
  uint64_t value = 0;
  for (size_t i = 0; i < b.length; i++) {
    value |= (uint64_t)b.at[i] << (8 * i);
  }
  return value;
}

uint8_t take_u8(struct cursor *c) { return (uint8_t)take_number(c, 1); }
uint16_t take_u16(struct cursor *c) { return (uint16_t)take_number(c, 2); }
uint32_t take_u32(struct cursor *c) { return (uint32_t)take_number(c, 4); }
uint64_t take_u64(struct cursor *c) { return take_number(c, 8); }

struct bytes take_bytes(struct cursor *c) {
  uint16_t length = take_u16(c);
  return take_exactly(c, length);
}

struct bytes take_rest(struct cursor *c) {
  return take_exactly(c, c->bad ? 0 : (size_t)(c->end - c->at));
}

bool taken(const struct cursor *c) { return !c->bad && c->at == c->end; }

/* ---- frames in ---- */

size_t frame_limit(uint16_t opcode) { return opcode == OP_DATA || opcode == OP_XATTR ? BULK_LIMIT : FRAME_LIMIT; }

void wire_open(int input, int output) {
  in.fd = input;
  in.start = in.end = 0;
  in.before_reuse = NULL;
  wire_share(NULL, 0);
  out.fd = output;
  out.used = 0;
  out.open = false;
}

void wire_share(const uint8_t *memory, size_t size) {
  block.memory = memory;
  block.size = size;
  block.at = NULL;
}

static void before_reuse(void) {
  if (in.before_reuse != NULL) {
    in.before_reuse();
  }
}

/* Makes at least `count` bytes available; false at the end of input. */
static bool fill(size_t count) {
  while (in.end - in.start < count) {
    before_reuse();
    if (in.start == in.end) {
      in.start = in.end = 0;
    } else if (INPUT_SIZE - in.start < count) {
      memmove(in.bytes, in.bytes + in.start, in.end - in.start);
      in.end -= in.start;
      in.start = 0;
    }
    wire_flush();
    ssize_t got = read(in.fd, in.bytes + in.end, INPUT_SIZE - in.end);
    if (got > 0) {
      in.end += (size_t)got;
    } else if (got == 0) {
      return false;
    } else if (errno != EINTR) {
      quit(EXIT_PROTOCOL);
    }
  }
  return true;
}

void wire_before_reuse(void (*settle)(void)) { in.before_reuse = settle; }

/* Finds the frame that begins at `at`; gives its length, or 0 if not all of it is there. */
static size_t find_frame(const uint8_t *at, const uint8_t *end, struct frame *f) {
  struct cursor header = {at, at + HEADER_SIZE, false};
  if (end - at < HEADER_SIZE) {
    return 0;
  }
  size_t length = take_u32(&header);
  f->opcode = take_u16(&header);
  uint16_t zero = take_u16(&header);
  f->sequence = take_u32(&header);
  if (zero != 0 || length > frame_limit(f->opcode)) {
    protocol_error(f->sequence, "frame header");
  }
  if ((size_t)(end - at) < HEADER_SIZE + length) {
    return 0;
  }
  f->body = (struct cursor){at + HEADER_SIZE, at + HEADER_SIZE + length, false};
  return HEADER_SIZE + length;
}

static void begin_block(struct frame *f) {
  uint32_t length;
  block.offset = take_u32(&f->body);
  length = take_u32(&f->body);
  if (!taken(&f->body) || block.offset > block.size || length > block.size - block.offset || block.memory == NULL) {
    protocol_error(f->sequence, "BLOCK");
  }
  block.at = block.memory + block.offset;
  block.end = block.at + length;
}

/* Lets the JVM fill it again. */
static void end_block(void) {
  before_reuse();
  block.at = NULL;
  put_frame(OP_TAKEN, 0);
  put_u32(block.offset);
  put_end();
  wire_flush();
}

bool wire_peek(struct frame *f) {
  return block.at != NULL ? find_frame(block.at, block.end, f) > 0
                          : find_frame(in.bytes + in.start, in.bytes + in.end, f) > 0;
}

static bool next_in_pipe(struct frame *f) {
  size_t length = find_frame(in.bytes + in.start, in.bytes + in.end, f);
  while (length == 0) {
    if (!fill(in.end - in.start + 1)) {
      if (in.start != in.end) {
        quit(EXIT_PROTOCOL);
      }
      return false;
    }
    length = find_frame(in.bytes + in.start, in.bytes + in.end, f);
  }
  in.start += length;
  return true;
}

bool wire_next(struct frame *f) {
  if (block.at != NULL && block.at == block.end) {
    end_block();
  }
  if (block.at == NULL) {
    if (!next_in_pipe(f)) {
      return false;
    }
    if (f->opcode != OP_BLOCK) {
      return true;
    }
    begin_block(f);
  }
  size_t length = find_frame(block.at, block.end, f);
  if (length == 0) {
    protocol_error(current_sequence, "frame in a block");
  }
  block.at += length;
  return true;
}

void wire_expect(struct frame *f, uint16_t opcode) {
  if (!wire_next(f)) {
    quit(EXIT_PROTOCOL);
  }
  if (f->opcode != opcode) {
    protocol_error(f->sequence, "frame out of turn");
  }
}

/* ---- frames out ---- */

void wire_flush(void) {
  size_t sent = 0, end = out.open ? out.frame : out.used;
  while (sent < end) {
    ssize_t wrote = write(out.fd, out.bytes + sent, end - sent);
    if (wrote > 0) {
      sent += (size_t)wrote;
    } else if (errno != EINTR) {
      quit(EXIT_FAILED); /* Nobody listens any more. */
    }
  }
  if (sent > 0) {
    memmove(out.bytes, out.bytes + sent, out.used - sent);
    out.used -= sent;
    out.frame = 0;
  }
}

/* Room for `length` bytes more; the frame itself always fits, because its length is limited. */
uint8_t *put_reserve(size_t length) {
  if (OUTPUT_SIZE - out.used < length) {
    wire_flush();
  }
  if (OUTPUT_SIZE - out.used < length) {
    quit(EXIT_FAILED); /* Cannot happen: every caller stays within BULK_LIMIT. */
  }
  return out.bytes + out.used;
}

void put_commit(size_t length) { out.used += length; }

void put_raw(const void *data, size_t length) {
  memcpy(put_reserve(length), data, length);
  put_commit(length);
}

static void put_number(uint64_t value, size_t width) {
  uint8_t encoded[8];
  for (size_t i = 0; i < width; i++) {
    encoded[i] = (uint8_t)(value >> (8 * i));
  }
  put_raw(encoded, width);
}

void put_u8(uint8_t value) { put_number(value, 1); }
void put_u16(uint16_t value) { put_number(value, 2); }
void put_u32(uint32_t value) { put_number(value, 4); }
void put_u64(uint64_t value) { put_number(value, 8); }

void put_bytes(const void *data, size_t length) {
  /* Half a frame is always left for the numbers and texts beside a path. */
  size_t room = FRAME_LIMIT / 2 - 1;
  if (length > room) {
    length = room;
  }
  put_u16((uint16_t)length);
  if (length > 0) {
    put_raw(data, length);
  }
}

void put_text(const char *text) { put_bytes(text, strlen(text)); }

void put_frame(uint16_t opcode, uint32_t sequence) {
  if (out.open) {
    out.used = out.frame; /* A failure while a frame was being made: that frame never was. */
    out.open = false;
  }
  put_reserve(HEADER_SIZE);
  out.frame = out.used;
  out.open = true;
  put_u32(0);
  put_u16(opcode);
  put_u16(0);
  put_u32(sequence);
}

void put_end(void) {
  size_t length = out.used - out.frame - HEADER_SIZE;
  for (size_t i = 0; i < 4; i++) {
    out.bytes[out.frame + i] = (uint8_t)(length >> (8 * i));
  }
  out.open = false;
}

void put_done(uint32_t sequence, uint64_t a, uint64_t b) {
  put_frame(OP_DONE, sequence);
  put_u64(a);
  put_u64(b);
  put_end();
}

/* ---- failures ---- */

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
