package io.layerstore;

/** Whether opening a root for writing may make a store where there is none. */
public enum StoreCreation {
  /** Never: without a store of the driver, opening fails and changes nothing. */
  NEVER,

  /**
   * In a directory that does not exist or is empty; and in any other if the graph driver is named.
   * This is the default.
   */
  IF_EMPTY,

  /**
   * Where {@link #IF_EMPTY} would, and for good only if something is put into it: a store that this
   * open made and that is still empty when it is closed is taken away again. For programs that may
   * fail before they have anything to keep.
   */
  IF_USED,

  /**
   * In any directory, beside whatever is in it.
   *
   * <p>In the data root of an engine that keeps its images elsewhere this is dangerous: dockerd
   * takes the directory of a graph driver as a sign that it is to use that driver, and no longer
   * shows what it has.
   */
  ANYWHERE
}
