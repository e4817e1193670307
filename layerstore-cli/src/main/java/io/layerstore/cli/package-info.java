/**
 * The {@code layerstore} command: every subcommand a few lines over the API.
 *
 * <p>Start at {@code Layerstore}. Knows nothing of what implements the API: it uses what any
 * application can.
 */
@NullMarked
package io.layerstore.cli;

import org.jspecify.annotations.NullMarked;
