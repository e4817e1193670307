package io.layerstore.core.image.archive;

import io.layerstore.Digest;
import java.io.IOException;
import java.io.OutputStream;
import java.security.MessageDigest;

/** Counts and hashes what passes. */
final class DigestStream extends OutputStream {

  private final OutputStream out;
  private final MessageDigest sha256 = Digest.Algorithm.SHA256.newMessageDigest();
  private long count;

  DigestStream(OutputStream out) {
    this.out = out;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    out.write(bytes, offset, length);
    sha256.update(bytes, offset, length);
    count += length;
  }

  @Override
  public void flush() throws IOException {
    out.flush();
  }

  /** The digest of all that was written; ends it. */
  Digest digest() {
    return Digest.sha256(sha256.digest());
  }

  /** How many bytes were written. */
  long count() {
    return count;
  }
}
