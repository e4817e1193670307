/* sync: forces the file system that holds home to the disk. A mode of its own, because it can take seconds. */
#include <string.h>
#include <unistd.h>

#include "modes.h"
#include "process.h"
#include "wire.h"

int sync_mode(const struct start *start) {
  int home = open_home(start);
  say_hello(0);
  struct frame f;
  while (wire_next(&f)) {
    current_sequence = f.sequence;
    if (f.opcode != OP_SYNC || !taken(&f.body)) {
      protocol_error(f.sequence, "SYNC");
    }
    if (syncfs(home) != 0) {
      fail("force to the disk", start->home, strlen(start->home));
    }
    put_done(f.sequence, 0, 0);
  }
  return EXIT_DONE;
}
