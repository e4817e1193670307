/* Frames in and out, the bounded reading of their bodies, and failures, which are frames. */
#ifndef LAYERSTORE_WIRE_H
#define LAYERSTORE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

/* What is left of a body. The first read past its end makes it bad; it stays so, and every further read gives zero. */
struct cursor {
  const uint8_t *at, *end;
  bool bad;
};

struct bytes {
  const uint8_t *at;
  size_t length;
};

struct frame {
  uint16_t opcode;
  uint32_t sequence;
  struct cursor body; /* valid until the next call of wire_next, or longer: see wire_before_reuse */
};

uint8_t take_u8(struct cursor *);
uint16_t take_u16(struct cursor *);
uint32_t take_u32(struct cursor *);
uint64_t take_u64(struct cursor *);
struct bytes take_bytes(struct cursor *); /* with its u16 length */
struct bytes take_rest(struct cursor *);
struct bytes take_exactly(struct cursor *, size_t length);
bool taken(const struct cursor *); /* nothing bad, nothing left over */

/* The length limit of a frame with this opcode. */
size_t frame_limit(uint16_t opcode);

/* Sets where frames come from and go to. */
void wire_open(int input, int output);

/* Gives the memory that BLOCK frames are about; the JVM writes to it, nobody else. */
void wire_share(const uint8_t *memory, size_t size);

/* The next frame; false at the end of input between two frames. Sends what is pending before it waits. Anything else that is wrong ends the process. */
bool wire_next(struct frame *);

/* The next frame if all of it is here, without taking it; false if not. */
bool wire_peek(struct frame *);

/* Has `settle` called before the memory of past frames is used again. */
void wire_before_reuse(void (*settle)(void));

/* The next frame, which must have this opcode. */
void wire_expect(struct frame *, uint16_t opcode);

/* Begins a frame, adds to its body, ends it. */
void put_frame(uint16_t opcode, uint32_t sequence);
void put_u8(uint8_t);
void put_u16(uint16_t);
void put_u32(uint32_t);
void put_u64(uint64_t);
void put_bytes(const void *, size_t length); /* with its u16 length, cut where the frame is full */
void put_text(const char *);
void put_raw(const void *, size_t length);
void put_end(void);

/* Room for at least this many more bytes in the current frame, to be filled by the caller. */
uint8_t *put_reserve(size_t length);
void put_commit(size_t length);

/* Sends everything that is pending. */
void wire_flush(void);

void put_done(uint32_t sequence, uint64_t a, uint64_t b);

/* How something goes wrong: always a code, the number of the request, what was being done, and to what. */

/* The request that is being carried out; failures carry its number. */
extern uint32_t current_sequence;

/* Ends the process. The fuzz targets have their own, which returns to the fuzzer. */
_Noreturn void quit(int status);

/* Reports a failure of `stage` on `path` and goes on. `error` is an errno or 0; `text` adds what the kernel said. */
void report(uint16_t code, int error, const char *stage, const void *path, size_t length, const char *text);

/* Reports a failure and ends the process. */
_Noreturn void fail_code(uint16_t code, int error, const char *stage, const void *path, size_t length);

/* The same for a system call that set errno. */
_Noreturn void fail(const char *stage, const void *path, size_t length);

/* Reports that the Java side sent what makes no sense, and ends the process. */
_Noreturn void protocol_error(uint32_t sequence, const char *what);

#endif
