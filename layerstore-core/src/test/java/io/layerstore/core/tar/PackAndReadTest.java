package io.layerstore.core.tar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.Limits;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A tree that is packed and read again is the same tree, whatever its names and numbers. */
final class PackAndReadTest {

  private static final int ENTRIES = 500;
  private static final EntryMapper MAPPER = new EntryMapper(Limits.DEFAULT, false);

  private final Random random = new Random(20_200_913);

  @ParameterizedTest
  @EnumSource
  void read_packedEntries_areTheSame(EntryType type) throws Exception {
    for (int i = 0; i < ENTRIES; i++) {
      String content = "x".repeat(type == EntryType.FILE ? random.nextInt(2_000) : 0);
      TreeEntry entry = entry(type, content.length());
      ListTreeReader tree = new ListTreeReader().add(entry, content);
      byte[] archive;
      try (LayerPacker packer = new LayerPacker(tree)) {
        archive = packer.readAllBytes();
      }
      ParsedArchive parsed = ParsedArchive.of(archive);
      TreeEntry read = assertNotNullTree(MAPPER.map(parsed.only()));
      assertEquals(entry, read);
      assertEquals(content, parsed.entries().get(0).text());
    }
  }

  private static TreeEntry assertNotNullTree(MappedEntry mapped) {
    assertNotNull(mapped.tree(), mapped::toString);
    return mapped.tree();
  }

  private TreeEntry entry(EntryType type, long size) {
    LayerPath path = path();
    boolean isDeletion = type == EntryType.WHITEOUT || type == EntryType.OPAQUE;
    Attributes attributes = attributes(!isDeletion && random.nextInt(4) == 0);
    return switch (type) {
      case DIRECTORY -> TreeEntry.directory(path, attributes);
      case FILE -> TreeEntry.file(path, attributes, size);
      case SYMLINK -> TreeEntry.symlink(path, attributes, TarMutations.randomPath(random));
      case HARD_LINK -> TreeEntry.hardLink(path, attributes, path());
      case CHARACTER_DEVICE, BLOCK_DEVICE ->
          TreeEntry.device(
              path, type, attributes, new Device(random.nextInt(4096), random.nextInt(1 << 20)));
      case FIFO -> TreeEntry.fifo(path, attributes);
      case WHITEOUT -> TreeEntry.whiteout(path, attributes);
      case OPAQUE -> TreeEntry.opaque(path, attributes);
    };
  }

  /** A path whose names leave room for the prefix of a whiteout. */
  private LayerPath path() {
    while (true) {
      LayerPath path = LayerPath.of(TarMutations.randomPath(random));
      if (path.names().stream().allMatch(name -> name.length() <= 251)) {
        return path;
      }
    }
  }

  private Attributes attributes(boolean hasCapability) {
    Instant time = Instant.ofEpochSecond(random.nextLong() >>> (64 - 1 - random.nextInt(33)));
    ByteString capability =
        ByteString.of("\1\0\0\2capability\0\n=".getBytes(StandardCharsets.ISO_8859_1));
    List<Xattr> xattrs =
        hasCapability
            ? List.of(new Xattr(ByteString.utf8("security.capability"), capability))
            : List.of();
    long uid = random.nextInt(4) == 0 ? random.nextLong(Attributes.MAX_ID) : random.nextInt(70_000);
    long gid = random.nextInt(4) == 0 ? random.nextLong(Attributes.MAX_ID) : random.nextInt(70_000);
    return new Attributes(random.nextInt(010000), uid, gid, time, time, xattrs);
  }
}
