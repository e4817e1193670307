/** What every graph driver would otherwise write again. */
@NullMarked
package io.layerstore.driver;

import org.jspecify.annotations.NullMarked;
