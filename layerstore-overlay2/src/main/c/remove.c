/* remove: deletes the directory of one layer, with everything in it; exchanges the files of two layers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "confine.h"
#include "modes.h"
#include "process.h"
#include "tree.h"
#include "wire.h"

static uint16_t code_of(int error) {
  switch (error) {
    case EXDEV:
      return CODE_CROSSES_MOUNT;
    case EBUSY:
      return CODE_BUSY;
    default:
      return CODE_SYSTEM;
  }
}

static void remove_layer(uint32_t sequence, int home, const char *id) {
  struct removal result;
  remove_tree(home, id, NULL, NULL, &result);
  if (result.error == 0) {
    put_done(sequence, result.count, 0);
  } else {
    report(code_of(result.error), result.error, result.stage, result.path, result.path_length, "");
  }
}

static void exchange_files(uint32_t sequence, int home, const char *id, const char *other) {
  int one = openat(home, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int two = openat(home, other, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (one >= 0 && two >= 0 && renameat2(one, "diff", two, "diff", RENAME_EXCHANGE) == 0) {
    put_done(sequence, 0, 0);
  } else {
    report(CODE_SYSTEM, errno, "exchange files of layers", id, strlen(id), "");
  }
  close(one);
  close(two);
}

int remove_mode(const struct start *start) {
  uint32_t facts;
  int home = confine_to_home(start, CAPABILITIES_REMOVE, &facts);
  say_hello(facts);
  struct frame f;
  char id[ID_SIZE], other[ID_SIZE];
  while (wire_next(&f)) {
    current_sequence = f.sequence;
    bool exchanges = f.opcode == OP_EXCHANGE;
    if ((f.opcode != OP_REMOVE && !exchanges) || !take_id(&f.body, id) || (exchanges && !take_id(&f.body, other)) ||
        !taken(&f.body)) {
      protocol_error(f.sequence, "REMOVE");
    }
    if (exchanges) {
      exchange_files(f.sequence, home, id, other);
    } else {
      remove_layer(f.sequence, home, id);
    }
  }
  return EXIT_DONE;
}
