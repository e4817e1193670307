package io.layerstore.testing;

import static io.layerstore.testing.TarHeaderBlock.directory;
import static io.layerstore.testing.TarHeaderBlock.named;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.LayerStoreException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Small layer archives whose bytes, digests and treatment by Docker 20.10 are known from running
 * it.
 *
 * <p>Each says what becomes of it here: it registers, with these sizes, and exports exactly, or it
 * is refused. Where this library differs from Docker on purpose, the constant says so.
 */
public enum AppendixA {
  /** One file. */
  PLAIN("plain", "efcb1ee63e655e6d8472f065c7ed96f1723a5c3c1d813cd8f73b191f4273e068", 6, 6) {
    @Override
    TarBuilder build() {
      return hello().end();
    }
  },
  /** Text after the end. */
  GARBAGE("garbage", "e333f9fbc117a988f59dd01ea605b00413f096497959988b10bf7471aaecbb35", 6, 6) {
    @Override
    TarBuilder build() {
      return hello().end().repeat('G', 700);
    }
  },
  /** NULs after the end. */
  ZEROPAD("zeropad", "337aeba5ef6a5ad98c445a6f0e66ab15a0452352e8db04d0bf7dbbb33f991904", 6, 6) {
    @Override
    TarBuilder build() {
      return hello().end().zeros(8192);
    }
  },
  /** No end marker. */
  NOEND("noend", "824a18cf544b0629d5cfa09b698b42dec5f5ec1cf73a43906d270cd111d588f1", 6, 6) {
    @Override
    TarBuilder build() {
      return hello();
    }
  },
  /** Half an end marker. */
  ONEBLK("oneblk", "ee0955df1c282289f78c44715c6768c549ef44542263ea6924c8bb20d905cec3", 6, 6) {
    @Override
    TarBuilder build() {
      return hello().zeros(512);
    }
  },
  /** No bytes at all. */
  EMPTY0("empty0", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0, 0) {
    @Override
    TarBuilder build() {
      return new TarBuilder();
    }
  },
  /** An end marker alone. */
  EMPTY1024("empty1024", "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef", 0, 0) {
    @Override
    TarBuilder build() {
      return new TarBuilder().end();
    }
  },
  /** An end marker padded to a record. */
  EMPTY10240(
      "empty10240", "84ff92691f909a05b224e1c56abb4864f01b4f8e3c854e4bb4c7baf1d3f6d652", 0, 0) {
    @Override
    TarBuilder build() {
      return new TarBuilder().zeros(10240);
    }
  },
  /** Two entries for one path; refused by Docker, whose tar-split cannot express it. */
  DUP("dup", "e0d67d834d2a2c18571a90a83d4d98518d0767da398b04a9f6f63f0b0fad397d", 5, 11) {
    @Override
    TarBuilder build() {
      return hello().file("./a.txt", "other").end();
    }
  },
  /** A name that is not UTF-8. */
  NONUTF8("nonutf8", "dad26337a557ebc52d1a3726b0fe1f953f4fb113c19fbbccdcfea0dd4b980798", 1, 1) {
    @Override
    TarBuilder build() {
      byte[] name = "caf\u00e9.txt".getBytes(StandardCharsets.ISO_8859_1);
      return new TarBuilder().file(named(name), "x").end();
    }
  },
  /** A sparse file of the old GNU form; refused by Docker. */
  GNUSPARSE(
      "gnusparse", "5b69d5de9764485c93028848e70f720f4756136eab4c149c5724de456b0224d9", 4608, 4608) {
    @Override
    TarBuilder build() {
      return new TarBuilder()
          .header(
              named("sp")
                  .size(1024)
                  .type('S')
                  .gnu()
                  .number(386, 12, 0)
                  .number(398, 12, 512)
                  .number(410, 12, 4096)
                  .number(422, 12, 512)
                  .number(483, 12, 4608))
          .repeat('A', 512)
          .repeat('B', 512)
          .end();
    }
  },
  /** A sparse file with its map before the data; registers with Docker, but cannot be exported. */
  PAXSPARSE10(
      "paxsparse10",
      "438482a71100fb6680dd12c472a686e8041fe69ff0a67c6b7d5badc7b519a849",
      4608,
      4608) {
    @Override
    TarBuilder build() {
      return new TarBuilder()
          .pax(
              "GNU.sparse.major",
              "1",
              "GNU.sparse.minor",
              "0",
              "GNU.sparse.name",
              "sp",
              "GNU.sparse.realsize",
              "4608")
          .header(named("GNUSparseFile.0/sp").size(1536))
          .padded("2\n0\n512\n4096\n512\n")
          .repeat('A', 512)
          .repeat('B', 512)
          .end();
    }
  },
  /** A sparse file with its map in a PAX record; registers with Docker, but cannot be exported. */
  PAXSPARSE01(
      "paxsparse01",
      "79b8051854b5a1589f72be6e01c9c08daf89f5e53405143894d83dce490bf0cf",
      4608,
      4608) {
    @Override
    TarBuilder build() {
      return new TarBuilder()
          .pax(
              "GNU.sparse.size",
              "4608",
              "GNU.sparse.numblocks",
              "2",
              "GNU.sparse.name",
              "sp",
              "GNU.sparse.map",
              "0,512,4096,512")
          .header(named("GNUSparseFile.0/sp").size(1024))
          .repeat('A', 512)
          .repeat('B', 512)
          .end();
    }
  },
  /** A hard link. */
  HL0("hl0", "25aea3f930a0a85800391ea29fcd2a15414d7a2826650c7b424e54a0f7462ea1", 6, 6) {
    @Override
    TarBuilder build() {
      return hello().hardLink("b.txt", "a.txt").end();
    }
  },
  /** A hard link with a size; registers with Docker, but cannot be exported by it. */
  HLSIZE("hlsize", "3fc457b795b92118de51fc189192bf82439dad6b46874de169c780cdbbb33cc7", 6, 12) {
    @Override
    TarBuilder build() {
      return hello().header(TarHeaderBlock.hardLink("b.txt", "a.txt").size(6)).end();
    }
  },
  /** A directory with a size; registers with Docker, but cannot be exported by it. */
  DIRSIZE("dirsize", "be1cd5d0473e42dc440f833afd28744d2e17a00e8c3855ecf0e641cf6e290e9f", 6, 4102) {
    @Override
    TarBuilder build() {
      return new TarBuilder().header(directory("d/").size(4096)).file("a.txt", "hello\n").end();
    }
  },
  /** A symbolic link with a size; registers with Docker, but cannot be exported. */
  SYMSIZE(
      "symsize",
      "6882410184a9f4694bfbff62a2ecbdf4ce3ec8c0316f993820f7cb4f24f85e97",
      Kind.MALFORMED) {
    @Override
    TarBuilder build() {
      return new TarBuilder()
          .header(TarHeaderBlock.symlink("l", "a.txt").size(5))
          .file("a.txt", "hello\n")
          .end();
    }
  },
  /** A global PAX header. */
  PG1("pg1", "b4d763485928d71a0910f46407d3da711e5c1388efc812bdacf17cb2f212e6c0", 6, 6) {
    @Override
    TarBuilder build() {
      return global().end();
    }
  },
  /** Two global PAX headers of one name; refused by Docker, whose tar-split cannot express it. */
  PG2("pg2", "15c9c4c0c46e6cd7e9270513cb2e5001107fb8f4a19e2b378ff0e1e08548183f", 7, 7) {
    @Override
    TarBuilder build() {
      return global().paxGlobal("pax_global_header", "comment", "abd").file("b", "y").end();
    }
  },
  /** An absolute name, taken from the root of the layer. */
  ABS("abs", "78b1a106d3ae71f99d3b76a44f14cd92d654264240ee9f020cabf4f723c114bc", 3, 3) {
    @Override
    TarBuilder build() {
      return new TarBuilder().file("/etc/x", "abs").end();
    }
  },
  /** A name above the root; clamped by Docker 20.10, refused by current engines. */
  DOTDOT(
      "dotdot", "f878b41f4e4fad85bae6e2c487f948b33cb87404c74ec474b57fed04c40de6a6", Kind.BREAKOUT) {
    @Override
    TarBuilder build() {
      return new TarBuilder().file("../x", "dd").end();
    }
  },
  /** An entry for the root, whose attributes do not count. */
  DOTSLASH("dotslash", "94c2d241be0ff9f334684b39ceb6a4f1245d637be4fe4ea5ca639fb2d25fe2c8", 1, 1) {
    @Override
    TarBuilder build() {
      return new TarBuilder()
          .header(directory("./").mode(0700).uid(7).gid(8))
          .file("./x/y/z", "1")
          .end();
    }
  },
  /** A hard link to nothing. */
  HLMISS(
      "hlmiss",
      "7a29671beb678a6d315e49c9a8a32ce8a3b7f35c40608c0267328bbaac1942af",
      LayerStoreException.class) {
    @Override
    TarBuilder build() {
      return new TarBuilder().hardLink("b.txt", "nope").end();
    }
  },
  /** A hard link with an absolute target. */
  HLABS("hlabs", "065babf51971b4606ab659626e3a69907768591ede8f81b129e2d4dade098df3", 6, 6) {
    @Override
    TarBuilder build() {
      return hello().hardLink("b.txt", "/a.txt").end();
    }
  },
  /** A symbolic link whose text leads out of the layer, which is no business of ours. */
  SYMESC("symesc", "9466ebb4f9695635efe29cead5bb3cd07a4d52b83ddc8a177693d0c2db0fa351", 28, 0) {
    @Override
    TarBuilder build() {
      return new TarBuilder().symlink("l", "../../../../../../etc/passwd").end();
    }
  },
  /** A file below a relative symbolic link; lands at {@code d/inside}. */
  SYMPARENT2(
      "symparent2", "dcb435985b1e3a76ccc78c0435abeed76c8dbb1f5c90c078df79048500dfdc4c", 3, 2) {
    @Override
    TarBuilder build() {
      return new TarBuilder().directory("d/").symlink("l", "d").file("l/inside", "zz").end();
    }
  },
  /** A file below an absolute symbolic link; lands at {@code real/f}. Docker cannot export it. */
  ABSSYMDIR("abssymdir", "ef59764a3185422859ca28864c9082d41487902388cc55de1d0544ca78c33598", 6, 1) {
    @Override
    TarBuilder build() {
      return new TarBuilder().directory("real/").symlink("l", "/real").file("l/f", "1").end();
    }
  },
  /** Whiteouts and an opaque marker. */
  WH("wh", "23b0cf16ee14b28873ae49629df248205e93078e0a64f91cd83f828d841a58a8", 4, 4) {
    @Override
    TarBuilder build() {
      return new TarBuilder()
          .file("a.txt", "1")
          .file(".wh.gone", "")
          .file(named("d/.wh.gone2").uid(5).gid(6), "")
          .file("op/.wh..wh..opq", "")
          .file("op/n", "new")
          .end();
    }
  },
  /** AUFS hard link metadata: literal on overlay2, a copy on a driver that executes whiteouts. */
  PLNK("plnk", "9853b2e119fd656133c769410f1eddfc02a19bfb144c162fe47fcbadd49ef184", 4, 4) {
    @Override
    TarBuilder build() {
      return new TarBuilder()
          .file(".wh..wh.plnk/123.456", "plnk")
          .hardLink("hl", ".wh..wh.plnk/123.456")
          .end();
    }
  },
  /** The root is opaque. */
  WHROOT("whroot", "3523317faf3da46a5266aea361527a109c6c4121c37dec14205a4bcca6bb9212", 1, 1) {
    @Override
    TarBuilder build() {
      return new TarBuilder().file(".wh..wh..opq", "").file("ok", "1").end();
    }
  },
  /** Parents without entries, which are 0755 and belong to 0:0. */
  IMPLIED("implied", "7bec9e29cad7c6c409e68b09987c0b585144a54984e8511b674336456f0951e8", 1, 1) {
    @Override
    TarBuilder build() {
      return new TarBuilder().file(named("p/q/r").uid(9).gid(9), "1").end();
    }
  },
  /** An entry type that no engine unpacks. */
  TYPE7(
      "type7",
      "f466e69663030bf28ced0ba340d6ad8c0970ed21d934d0abf5faf42582b453a6",
      Kind.UNSUPPORTED_ENTRY) {
    @Override
    TarBuilder build() {
      return new TarBuilder().file(named("c7").type('7'), "con").end();
    }
  },
  /** A GNU long name. */
  LONGGNU("longgnu", "ddee68148e1d6973be997762029f7a387b4fabc66dc16c179fca042ae6c1acc6", 4, 4) {
    @Override
    TarBuilder build() {
      return new TarBuilder()
          .gnuName("n".repeat(120))
          .file(named("n".repeat(100)).gnu(), "long")
          .end();
    }
  },
  /** Cut off in a payload. */
  TRUNC(
      "trunc", "47e4dab53e102dec5ea837c1ccc399f44ae64e6a0f5413494d023c208171d7b9", Kind.MALFORMED) {
    @Override
    TarBuilder build() {
      return new TarBuilder().header(named("a.txt").size(5000)).repeat('x', 1000);
    }
  },
  /** The base of the two-layer image. */
  TWO_BASE("two/0", "a340353031a23f7f5114cda2c6f1b992b826fa7e5aa7f61f6721fecbaa7082c0", 5, 5) {
    @Override
    TarBuilder build() {
      return new TarBuilder()
          .directory("etc/")
          .file("etc/a", "A")
          .file("etc/b", "B")
          .directory("op/")
          .file("op/x", "X")
          .directory("dirx/")
          .file("dirx/f", "F")
          .file("filey", "Y")
          .end();
    }
  },
  /** The layer on top of {@link #TWO_BASE}. */
  TWO_TOP("two/1", "d96b4b9b4a60ebb81245ccc0b80a6d733f4d57cd4b968f1740068ffeed92b16c", 11, 11) {
    @Override
    TarBuilder build() {
      return new TarBuilder()
          .file("etc/.wh.a", "")
          .directory("op/")
          .file("op/.wh..wh..opq", "")
          .file("op/new", "N")
          .file("dirx", "now file")
          .header(directory("filey/").mode(0700))
          .file("etc/b", "B2")
          .file("etc/.wh.notthere", "")
          .end();
    }
  };

  /** The chain ID of {@link #TWO_TOP} on {@link #TWO_BASE}. */
  public static final String TWO_CHAIN_ID =
      "sha256:a2c87cb806da5d4ad12162d9ec0d4585a56fde7b275ed267bc7fa20f93b47ff1";

  private final String id;
  private final String sha256;
  private final long nativeSize;
  private final long naiveSize;
  private final @Nullable Class<? extends LayerStoreException> failure;
  private final @Nullable Kind kind;

  AppendixA(String id, String sha256, long nativeSize, long naiveSize) {
    this.id = id;
    this.sha256 = sha256;
    this.nativeSize = nativeSize;
    this.naiveSize = naiveSize;
    this.failure = null;
    this.kind = null;
  }

  AppendixA(String id, String sha256, Class<? extends LayerStoreException> failure) {
    this(id, sha256, failure, null);
  }

  AppendixA(String id, String sha256, Kind kind) {
    this(id, sha256, ArchiveException.class, kind);
  }

  AppendixA(
      String id, String sha256, Class<? extends LayerStoreException> failure, @Nullable Kind kind) {
    this.id = id;
    this.sha256 = sha256;
    this.nativeSize = 0;
    this.naiveSize = 0;
    this.failure = failure;
    this.kind = kind;
  }

  abstract TarBuilder build();

  private static TarBuilder hello() {
    return new TarBuilder().file("a.txt", "hello\n");
  }

  private static TarBuilder global() {
    return new TarBuilder()
        .paxGlobal("pax_global_header", "comment", "abc")
        .file("a.txt", "hello\n");
  }

  /** Its name in the table. */
  public String id() {
    return id;
  }

  /** The archive. */
  public byte[] bytes() {
    return build().toBytes();
  }

  /** The digest that the table lists for the bytes, 64 hexadecimal digits. */
  public String sha256() {
    return sha256;
  }

  /** The digest as a diff ID: {@code sha256:} and 64 hexadecimal digits. */
  public String diffId() {
    return "sha256:" + sha256;
  }

  /** Whether it registers, alone or on the layer it belongs to, and exports its exact bytes. */
  public boolean isAccepted() {
    return failure == null;
  }

  /** Asserts that {@code thrown} refuses it, for the reason that the table has if it has one. */
  public void assertRefusedBy(Throwable thrown) {
    assertInstanceOf(failure, thrown);
    if (kind != null) {
      assertEquals(kind, ((ArchiveException) thrown).kind());
    }
  }

  /**
   * The size of the layer in bytes as overlay2 counts: what its files other than directories hold,
   * each inode once.
   */
  public long nativeSizeBytes() {
    return nativeSize;
  }

  /** The size of the layer in bytes as a copying driver counts: the sum of the size fields. */
  public long naiveSizeBytes() {
    return naiveSize;
  }

  @Override
  public String toString() {
    return id;
  }
}
