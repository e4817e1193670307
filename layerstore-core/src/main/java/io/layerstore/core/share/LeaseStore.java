package io.layerstore.core.share;

import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.util.List;

/**
 * Where the participants of one root keep their leases and find those of the others. A lease is
 * there from {@link #publish} to {@link #withdraw}, or until somebody finds that its owner is dead
 * and removes it.
 */
interface LeaseStore {

  /** Counters that all of them see. */
  SharedMemory board() throws IOException;

  /** Makes the memory of a lease of the caller's, which nobody sees yet, and begins its life. */
  SharedMemory create(String id) throws IOException;

  /** Lets the others see a lease. */
  void publish(String id) throws IOException;

  /** Takes a lease of the caller's back and ends its life. */
  void withdraw(String id) throws IOException;

  /** The leases that are there, dead ones among them. */
  List<String> ids() throws IOException;

  /** The memory of another's lease, to be read only. */
  SharedMemory open(String id) throws IOException;

  /** Whether the owner of a lease lives; true also where that cannot be told. */
  boolean isAlive(String id);

  /** Removes the lease of one who is dead. */
  void remove(String id) throws IOException;

  /** Gives back all memory that was given out here, which nobody may touch any more. */
  void free();

  /**
   * Fails unless the next participant would still come here.
   *
   * @throws LayerStoreException if the root or the directory in it was moved, replaced or deleted
   */
  void requireInPlace() throws LayerStoreException;
}
