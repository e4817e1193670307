/* How something goes wrong: always a code, the number of the request, what was being done, and to what. */
#ifndef LAYERSTORE_FAILURE_H
#define LAYERSTORE_FAILURE_H

#include <stddef.h>
#include <stdint.h>

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
