/** The {@code layerstore} command: every subcommand a few lines over the API. */
@NullMarked
package io.layerstore.cli;

import org.jspecify.annotations.NullMarked;
