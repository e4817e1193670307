#include "modes.h"
int scan_mode(void) { return 1; }
