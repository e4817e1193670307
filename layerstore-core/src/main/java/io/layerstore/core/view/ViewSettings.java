package io.layerstore.core.view;

import java.io.Closeable;

/**
 * How layers are shown.
 *
 * @param title what they are called, for people
 * @param onlyTop whether the highest layer is shown by itself
 * @param verifies whether contents are compared with their checksums
 * @param resources what is held, to be closed last
 */
public record ViewSettings(String title, boolean onlyTop, boolean verifies, Closeable resources) {}
