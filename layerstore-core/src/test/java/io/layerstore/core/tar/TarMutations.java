package io.layerstore.core.tar;

import static io.layerstore.testing.TarHeaderBlock.named;

import io.layerstore.ByteString;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/** Archives made at random, so that most of them are nearly right. */
final class TarMutations {

  private static final String[] NUMBERS = {
    "0",
    "1",
    "5",
    "512",
    "1024",
    "4608",
    "+4",
    "-1",
    " 4",
    "4 ",
    "",
    "00004",
    "07",
    "8",
    "x",
    "1.5",
    "-1.5",
    "1.",
    ".5",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "4294967296",
    "1\0",
    "1e3",
    "0,512",
    "1_0"
  };

  private static final String[] NAMES = {
    "a",
    "d/a",
    "a/",
    "./a",
    "../a",
    "/abs",
    "",
    "d//a",
    "caf\u00e9",
    "a\0b",
    "nnnnnnnnnn/nnnnnnnnnn",
    "x\n",
    " ",
    "."
  };

  private static final String[] MAPS = {
    "0,512",
    "0,512,4096,512",
    "0,0",
    "",
    "0",
    "0,1,",
    ",",
    "512,1,0,1",
    "0,512,256,1",
    "-1,1",
    "0,9223372036854775807",
    "5,1,7,1"
  };

  private static final String[] TEXT_KEYS = {
    "path", "linkpath", "uname", "gname", "GNU.sparse.name", "SCHILY.xattr.user.x", "comment"
  };

  private static final String[] NUMBER_KEYS = {
    "size",
    "uid",
    "gid",
    "mtime",
    "atime",
    "ctime",
    "GNU.sparse.size",
    "GNU.sparse.realsize",
    "GNU.sparse.numblocks"
  };

  private TarMutations() {}

  /** Corrects the checksum of every block that looks like a header. */
  static byte[] withChecksums(byte[] archive) {
    byte[] corrected = archive.clone();
    for (int at = 0; at + 512 <= corrected.length; at += 512) {
      boolean looksLikeHeader =
          corrected[at + 154] == 0 && corrected[at + 155] == ' ' && corrected[at + 148] == '0';
      if (looksLikeHeader) {
        Arrays.fill(corrected, at + 148, at + 156, (byte) ' ');
        int sum = 0;
        for (int i = at; i < at + 512; i++) {
          sum += corrected[i] & 0xff;
        }
        byte[] digits = String.format("%06o\0 ", sum).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(digits, 0, corrected, at + 148, 8);
      }
    }
    return corrected;
  }

  /** One to six headers of all kinds with fields from a list of troublesome ones. */
  static byte[] randomArchive(Random random) {
    TarBuilder tar = new TarBuilder();
    for (int i = random.nextInt(6); i >= 0; i--) {
      switch (random.nextInt(12)) {
        case 0 -> tar.file(header(random).type('x'), randomRecords(random, NUMBER_KEYS));
        case 1, 2, 3 -> tar.paxRecords(randomRecords(random, NUMBER_KEYS));
        // With a bad number among them, what Go takes from the records depends on the order of its
        // map.
        case 4 -> tar.file(named("g").type('g'), randomRecords(random, TEXT_KEYS));
        case 5 ->
            tar.gnuLong('L', latin1(pick(random, NAMES) + (random.nextBoolean() ? "\0" : "")));
        case 6 -> tar.gnuLong('K', latin1(pick(random, NAMES) + "\0"));
        case 7 -> sparse(random, tar);
        case 8 -> oldSparse(random, tar);
        default -> tar.header(header(random)).repeat('d', 512 * random.nextInt(3));
      }
      if (random.nextInt(30) == 0) {
        tar.zeros(512);
      }
    }
    return random.nextBoolean() ? tar.end().toBytes() : tar.toBytes();
  }

  private static TarHeaderBlock header(Random random) {
    TarHeaderBlock header = named(latin1(pick(random, NAMES)));
    header.type(
        new int[] {0, '0', '0', '0', '0', '1', '2', '3', '4', '5', '6', '7', 'X'}
            [random.nextInt(13)]);
    header.size(new long[] {0, 0, 0, 0, 1, 3, 512, 1024}[random.nextInt(8)]);
    switch (random.nextInt(8)) {
      case 0 -> header.v7();
      case 1 -> header.gnu();
      case 2 -> header.star();
      case 3 -> header.gnu().text(345, pick(random, NAMES));
      case 4 -> header.prefix("prefix");
      default -> {}
    }
    if (random.nextInt(4) == 0) {
      int[] field =
          new int[][] {
                {100, 8}, {108, 8}, {116, 8}, {124, 12}, {136, 12}, {329, 8}, {345, 12}, {476, 12}
              }
              [random.nextInt(8)];
      String text = pick(random, NUMBERS);
      switch (random.nextInt(3)) {
        case 0 -> header.text(field[0], text.substring(0, Math.min(text.length(), field[1])));
        case 1 -> header.base256(field[0], field[1], random.nextLong() >> random.nextInt(64));
        default -> {
          byte[] bytes = new byte[field[1]];
          random.nextBytes(bytes);
          header.bytes(field[0], bytes);
        }
      }
    }
    header.link(pick(random, NAMES));
    return random.nextInt(8) == 0 ? header.signedChecksum() : header;
  }

  private static byte[] randomRecords(Random random, String[] numberKeys) {
    ByteArrayOutputStream records = new ByteArrayOutputStream();
    for (int i = random.nextInt(5); i > 0; i--) {
      records.writeBytes(
          switch (random.nextInt(6)) {
            case 0, 1 -> TarBuilder.record(pick(random, TEXT_KEYS), latin1(pick(random, NAMES)));
            case 2, 3 -> TarBuilder.record(pick(random, numberKeys), latin1(pick(random, NUMBERS)));
            case 4 -> TarBuilder.record("GNU.sparse.map", latin1(pick(random, MAPS)));
            default ->
                TarBuilder.record(
                    random.nextBoolean() ? "GNU.sparse.offset" : "GNU.sparse.numbytes",
                    latin1(pick(random, NUMBERS)));
          });
    }
    byte[] bytes = records.toByteArray();
    if (bytes.length > 0 && random.nextInt(10) == 0) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
    }
    return bytes;
  }

  private static void sparse(Random random, TarBuilder tar) {
    String minor = random.nextInt(10) == 0 ? pick(random, NUMBERS) : "0";
    if (random.nextBoolean()) {
      tar.pax(
          "GNU.sparse.major",
          "1",
          "GNU.sparse.minor",
          minor,
          "GNU.sparse.name",
          pick(random, NAMES).replace("\0", ""),
          "GNU.sparse.realsize",
          random.nextInt(4) == 0 ? pick(random, NUMBERS) : "4608");
      String lines = pick(random, MAPS).replace(',', '\n') + "\n";
      long runs = lines.chars().filter(c -> c == '\n').count() / 2;
      String announced = random.nextInt(6) == 0 ? pick(random, NUMBERS) : Long.toString(runs);
      tar.header(named("GNUSparseFile.0/x").size(512 + 512L * random.nextInt(3)))
          .padded(announced + "\n" + lines);
    } else {
      String map = pick(random, MAPS);
      long runs = (map.chars().filter(c -> c == ',').count() + 1) / 2;
      tar.pax(
          "GNU.sparse.size", random.nextInt(4) == 0 ? pick(random, NUMBERS) : "4608",
          "GNU.sparse.numblocks",
              random.nextInt(6) == 0 ? pick(random, NUMBERS) : Long.toString(runs),
          "GNU.sparse.map", map);
      tar.header(named("GNUSparseFile.0/x").size(512L * random.nextInt(3)));
    }
    tar.repeat('s', 512 * random.nextInt(3));
  }

  private static void oldSparse(Random random, TarBuilder tar) {
    TarHeaderBlock header = named("sp").type('S').size(512L * random.nextInt(3));
    if (random.nextInt(8) > 0) {
      header.gnu();
    }
    header.number(386, 12, 0).number(398, 12, 512L * random.nextInt(2)).number(483, 12, 4608);
    if (random.nextBoolean()) {
      header.number(410, 12, 4096L - 512L * random.nextInt(9)).number(422, 12, 512);
    }
    boolean isExtended = random.nextInt(4) == 0;
    tar.header(isExtended ? header.text(482, "\1") : header);
    if (isExtended) {
      tar.raw(
          header
              .v7()
              .bytes(0, new byte[512])
              .text(0, "00000010000\0" + "00000000000\0")
              .checksum("\0\0\0\0\0\0\0\0")
              .toBytes());
    }
    tar.repeat('s', 512 * random.nextInt(3));
  }

  /** A clean relative path, often of a critical length, and not always ASCII. */
  static ByteString randomPath(Random random) {
    int length =
        random.nextInt(4) == 0
            ? random.nextInt(400) + 1
            : new int[] {5, 99, 100, 101, 155, 156, 157, 255, 256, 257}[random.nextInt(10)];
    byte[] path = new byte[length];
    boolean isAscii = random.nextInt(4) > 0;
    for (int i = 0; i < length; i++) {
      boolean canBeSlash = i > 0 && i < length - 1 && path[i - 1] != '/';
      if (canBeSlash && random.nextInt(i % 50 == 0 ? 3 : 40) == 0) {
        path[i] = '/';
      } else {
        path[i] =
            (byte)
                (isAscii || random.nextInt(3) > 0
                    ? 'a' + random.nextInt(26)
                    : 0x80 + random.nextInt(128));
      }
    }
    return ByteString.of(path);
  }

  private static String pick(Random random, String[] from) {
    return from[random.nextInt(from.length)];
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
