/* The part of scanning that the fuzz targets use. */
#ifndef LAYERSTORE_SCAN_H
#define LAYERSTORE_SCAN_H

#include "process.h"

/* Answers requests about the tree `root` until the end of input. */
int scan_conversation(const struct start *start, int root);

#endif
