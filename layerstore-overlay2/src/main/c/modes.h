/* One function per mode: runs a whole conversation and gives the exit status. */
#ifndef LAYERSTORE_MODES_H
#define LAYERSTORE_MODES_H

int probe_mode(void);
int mount_mode(void);
int apply_mode(void);
int scan_mode(void);
int remove_mode(void);
int sync_mode(void);

/* Becomes another program inside a mount; gives the exit status if it cannot, -1 if the arguments make no sense. */
int enter_mode(int argc, char **argv);

/* Checks this very binary without a conversation; prints what it did. */
int selftest(void);

#endif
