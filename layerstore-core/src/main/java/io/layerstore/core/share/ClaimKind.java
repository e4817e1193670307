package io.layerstore.core.share;

/**
 * What a claim is about: a lock, or something that must stay as it is. Processes exchange the
 * ordinal, so new kinds come last.
 */
public enum ClaimKind {
  /** A lock: opening the store. */
  DOOR,
  /** A layer must stay. Its key is the chain ID. */
  LAYER,
  /** A lock: making, healing or deleting the layer of a chain ID. */
  CHAIN,
  /** A layer is about to be hidden, if nobody holds it. Its key is the chain ID. */
  DELETION,
  /** A lock: making, mounting or deleting the read-write layer of a name. */
  NAME,
  /** A read-write layer is open. Its key is the name. */
  RW_LAYER,
  /** A lock: changing images and their names. */
  IMAGES,
  /** Something unfinished on the disk has an owner. Its key is its name in the layer database. */
  WORK,
  /** A layer or read-write layer is mounted. Its key is the driver's ID. */
  MOUNT,
  /** A lock: mounting and unmounting what the driver has by an ID. */
  MOUNTING,
  /** A lock: sweeping up after those who died. */
  SWEEP,
  /** A lock: fetching a blob, or deleting what has come of it. Its key is the file's name. */
  BLOB,
  /** What has come of a blob is in use. Its key is the file's name. */
  BLOB_USE
}
