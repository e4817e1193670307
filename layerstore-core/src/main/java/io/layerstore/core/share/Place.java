package io.layerstore.core.share;

import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.util.List;

/**
 * Where those who share a root find each other. A lease is there from {@link #publish} to {@link
 * #withdraw}, or until somebody finds that its owner is dead and removes it.
 */
interface Place {

  /** Counters that all of them see. */
  Memory board() throws IOException;

  /** Makes the memory of a lease of the caller's, which nobody sees yet, and begins its life. */
  Memory create(String id) throws IOException;

  /** Lets the others see a lease. */
  void publish(String id) throws IOException;

  /** Takes a lease of the caller's back and ends its life. */
  void withdraw(String id) throws IOException;

  /** The leases that are there, dead ones among them. */
  List<String> ids() throws IOException;

  /** The memory of another's lease, to be read only. */
  Memory open(String id) throws IOException;

  /** Whether the owner of a lease lives; true also where that cannot be told. */
  boolean isAlive(String id);

  /** Removes the lease of one who is dead. */
  void remove(String id) throws IOException;

  /** Gives back all memory that was given out here, which nobody may touch any more. */
  void free();

  /**
   * Fails unless this is still the place that the next one would find.
   *
   * @throws LayerStoreException if the root or the directory in it was moved, replaced or deleted
   */
  void requireInPlace() throws LayerStoreException;
}
