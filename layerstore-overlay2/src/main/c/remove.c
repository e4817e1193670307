/* remove: deletes the directory of one layer, with everything in it. */
#include <errno.h>
#include <string.h>

#include "confine.h"
#include "failure.h"
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

int remove_mode(void) {
  static struct start start;
  uint32_t facts;
  read_start(&start);
  int home = confine_to_home(&start, CAPABILITIES_REMOVE, &facts);
  say_hello(&start, facts);
  struct frame f;
  while (wire_next(&f)) {
    current_sequence = f.sequence;
    struct bytes id = take_bytes(&f.body);
    char name[ID_SIZE];
    if (f.opcode != OP_REMOVE || !taken(&f.body) || id.length > MAX_ID) {
      protocol_error(f.sequence, "REMOVE");
    }
    memcpy(name, id.at, id.length);
    name[id.length] = 0;
    if (strlen(name) != id.length || !is_safe_id(name)) {
      protocol_error(f.sequence, "REMOVE");
    }
    struct removal result;
    remove_tree(home, name, NULL, NULL, &result);
    if (result.error == 0) {
      put_done(f.sequence, result.count, 0);
    } else {
      report(code_of(result.error), result.error, result.stage, result.path, result.path_length, "");
    }
  }
  return EXIT_DONE;
}
