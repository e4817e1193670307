package io.layerstore.overlay2.linux;

import io.layerstore.overlay2.linux.wire.Protocol;

/**
 * The same on a kernel without openat2 and fchmodat2, confined with chroot alone, as where
 * namespaces are forbidden.
 */
final class ApplyOnOldKernelTest extends ApplyHelperTest {

  @Override
  int helperFlags() {
    return Protocol.START_NO_OPENAT2 | Protocol.START_NO_NAMESPACE;
  }
}
