/* One function per mode: runs a whole conversation in a process forked for it, and gives the exit status. */
#ifndef LAYERSTORE_MODES_H
#define LAYERSTORE_MODES_H

struct start;

int probe_mode(const struct start *);
int mount_mode(const struct start *);
int apply_mode(const struct start *);
int scan_mode(const struct start *);
int remove_mode(const struct start *);
int sync_mode(const struct start *);

/* Forks a process for each conversation; gives the exit status. `title` is what others see as this process's argument, and can be written over. */
int serve(char *title);

/* Becomes another program inside a mount; gives the exit status if it cannot, -1 if the arguments make no sense. */
int enter_mode(int argc, char **argv);

/* Checks this very binary without a conversation; prints what it did. */
int selftest(void);

#endif
