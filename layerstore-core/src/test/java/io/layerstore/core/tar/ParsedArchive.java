package io.layerstore.core.tar;

import io.layerstore.ByteString;
import io.layerstore.Limits;
import io.layerstore.core.tar.TarReader.RawBytes;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * An archive read to its end, everything kept.
 *
 * @param entries the entries with their payloads
 * @param bytes raw bytes and payloads, in the order in which the reader handed them out
 * @param rawBytes the raw bytes alone
 * @param tailAt how many raw bytes came before the end of the archive was announced; -1 if it never
 *     was
 */
record ParsedArchive(List<Entry> entries, ByteString bytes, ByteString rawBytes, int tailAt) {

  /** An entry with its payload. */
  record Entry(TarHeader header, ByteString payload) {
    String name() {
      return new String(header.name().toByteArray(), StandardCharsets.ISO_8859_1);
    }

    String text() {
      return new String(payload.toByteArray(), StandardCharsets.ISO_8859_1);
    }

    /** Name and payload, for short assertions: {@code name=payload}, or the name alone. */
    @Override
    public String toString() {
      return payload.isEmpty() ? name() : name() + "=" + text();
    }
  }

  static ParsedArchive of(byte[] archive) throws IOException {
    return of(new ByteArrayInputStream(archive), Limits.DEFAULT);
  }

  static ParsedArchive of(InputStream in, Limits limits) throws IOException {
    Recorder recorder = new Recorder();
    TarReader reader = new TarReader(in, limits, recorder);
    List<Entry> entries = new ArrayList<>();
    for (TarHeader header; (header = reader.next()) != null; ) {
      byte[] payload = reader.payload().readAllBytes();
      recorder.all.writeBytes(payload);
      entries.add(new Entry(header, ByteString.of(payload)));
    }
    reader.drainTail();
    return new ParsedArchive(
        entries,
        ByteString.of(recorder.all.toByteArray()),
        ByteString.of(recorder.raw.toByteArray()),
        recorder.tailAt);
  }

  /** The entries as text, one after the other, with a space between them. */
  String listing() {
    return String.join(" ", entries.stream().map(Entry::toString).toList());
  }

  TarHeader only() {
    if (entries.size() != 1) {
      throw new AssertionError("not one entry: " + entries);
    }
    return entries.get(0).header();
  }

  private static final class Recorder implements RawBytes {
    final ByteArrayOutputStream all = new ByteArrayOutputStream();
    final ByteArrayOutputStream raw = new ByteArrayOutputStream();
    int tailAt = -1;

    @Override
    public void bytes(byte[] buffer, int offset, int length) {
      if (length <= 0) {
        throw new AssertionError("nothing handed out");
      }
      all.write(buffer, offset, length);
      raw.write(buffer, offset, length);
    }

    @Override
    public void endOfArchive() {
      if (tailAt >= 0) {
        throw new AssertionError("ended twice");
      }
      tailAt = raw.size();
    }
  }
}
