/**
 * Events for Java Flight Recorder: what a store spends its time on. Each class is one event; a
 * profile that names it, such as {@code io.layerstore.Register#enabled=true}, records it. They are
 * on unless a profile says otherwise, and cost nothing while nothing records.
 *
 * <p>Start at {@code RegisterEvent}. Knows nothing of anything but names and numbers.
 */
@NullMarked
package io.layerstore.core.event;

import org.jspecify.annotations.NullMarked;
