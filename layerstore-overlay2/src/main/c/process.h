/* What becomes of a process before it touches a file. */
#ifndef LAYERSTORE_PROCESS_H
#define LAYERSTORE_PROCESS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

/* Ids of layers: see is_safe_id. */
enum { MAX_ID = 200, ID_SIZE = MAX_ID + 1 };

/* What a FORK frame says. */
struct start {
  uint32_t flags, root_uid, root_gid;
  uint64_t max_file_size;
  uint8_t tree;
  char home[PATH_MAX];
  char id[ID_SIZE];
};

/* Descriptors, environment, session, signals, umask, limits: nothing of the JVM's is left. */
void clean_process(void);

/* Closes everything but the three standard descriptors. */
void close_others(void);

/* Reads START, checks it, enters a user namespace if it says so; gives its flags. */
uint32_t read_start(void);

/* Takes the body of FORK; false if it makes no sense. The mode is any number. */
bool decode_fork(struct cursor *, uint8_t *mode, struct start *);

/* Limits this process as `start` says. */
void apply_limits(const struct start *);

/* Answers START or FORK: ready. `facts` are FACT_ bits. */
void say_hello(uint32_t facts);

/* Whether `name` is one safe path component: [A-Za-z0-9][A-Za-z0-9_.-]*, at most 200 bytes. */
bool is_safe_id(const char *name);

/* Takes a text that is such a name. */
bool take_id(struct cursor *, char id[ID_SIZE]);

/* Opens home, in the mount namespace this process is in now. */
int open_home(const struct start *);

/* Opens the tree the conversation is about, following no link below home. */
int open_tree_root(const struct start *);

#endif
