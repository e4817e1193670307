/**
 * Run by the build, and not installed: makes manual pages and shell completion of the command line
 * as it is. Knows nothing of the library, but picocli's model of the command line. Start at {@link
 * io.layerstore.dist.Describe}.
 */
@NullMarked
package io.layerstore.dist;

import org.jspecify.annotations.NullMarked;
