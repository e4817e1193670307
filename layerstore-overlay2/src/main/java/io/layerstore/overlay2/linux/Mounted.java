package io.layerstore.overlay2.linux;

/**
 * How a layer came to be mounted.
 *
 * @param api the calls it was mounted with; {@link Mounts.Api#ANY} if it was mounted already
 * @param isFound whether it was mounted already
 * @param isShared whether other processes used that mount when this one began to
 * @param isOfStore whether that mount is to be undone by the last process that uses it, as all that
 *     stores make, but for persistent ones
 */
public record Mounted(Mounts.Api api, boolean isFound, boolean isShared, boolean isOfStore) {}
