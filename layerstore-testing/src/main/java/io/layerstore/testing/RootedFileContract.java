package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ByteString;
import io.layerstore.Change;
import io.layerstore.Layer;
import io.layerstore.LayerPath;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerOptions;
import io.layerstore.RegisterOptions;
import io.layerstore.RootDirectory;
import io.layerstore.RootedFile;
import io.layerstore.StoreOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Files of a mount, reached without leaving it, whatever links the image has.
 *
 * <p>After every test the files of the host that the links name are as they were.
 */
public abstract class RootedFileContract {

  private static final String PASSWD = "root of the image\n";

  private Canary canary;
  private String host;
  private LayerStore store;
  private Layer base;
  private RWLayer work;
  private Mount mount;

  /** An empty directory that the store and the files outside it are made in. */
  protected abstract Path newDirectory() throws IOException;

  /** A store in {@code root} with the driver under test. */
  protected abstract StoreOptions.Builder builder(Path root);

  @BeforeEach
  final void mountALayerWithLinks() throws IOException {
    Path directory = newDirectory();
    canary = Canary.create(directory.resolve("outside"));
    // As a link in a layer has it, whatever the separator of this system.
    host = "";
    for (Path name : canary.directory()) {
      host += "/" + name;
    }
    store = builder(directory.resolve("store")).open();
    base = store.register(LayerSource.of(image(host)), RegisterOptions.DEFAULT);
    work = store.createRWLayer("work", base.chainId());
    mount = work.mount();
  }

  @AfterEach
  final void hostIsUntouched() throws IOException {
    mount.close();
    store.close();
    canary.assertUntouched();
  }

  private static byte[] image(String host) {
    TarBuilder tar =
        new TarBuilder()
            .directory("etc/")
            .file("etc/passwd", PASSWD)
            .symlink("etc/motd", host + "/canary")
            .symlink("etc/up", "../../../../etc/passwd")
            .symlink("etc/none", "nothing")
            .symlink("etc/self", ".")
            .directory("man/")
            .file("man/PAM.7", "upper")
            .file("man/pam.7", "lower")
            .file("man/Net::DNS", "colons")
            .symlink("man/link", "PAM.7")
            .symlink("MAN", "/man")
            .directory("srv/")
            .directory("srv/full/")
            .file("srv/full/file", "1")
            .symlink("absolute", "/etc/passwd")
            .symlink("app", "/srv/app")
            .symlink("host", host)
            .symlink("directory", "etc")
            .symlink("chain", "directory/up")
            .symlink("loop", "pool")
            .symlink("pool", "/loop")
            .header(TarHeaderBlock.named("pipe").type('6'))
            .symlink("link0", "etc/passwd");
    for (int i = 1; i <= RootedFile.MAX_LINKS; i++) {
      tar.symlink("link" + i, "link" + (i - 1));
    }
    return tar.end().toBytes();
  }

  private static void failsAt(
      Class<? extends FileSystemException> type, RootDirectory root, String end, Action action) {
    FileSystemException e = assertThrows(type, action::run);
    String file = assertNotNullFile(e);
    String start = root.path().toString().replace('\\', '/');
    assertTrue(file.startsWith(start) && file.endsWith(end), file);
  }

  private static String assertNotNullFile(FileSystemException e) {
    assertNotNull(e.getFile(), e::toString);
    return e.getFile().replace('\\', '/');
  }

  /** Something that may fail. */
  @FunctionalInterface
  private interface Action {
    void run() throws IOException;
  }

  private List<String> changes() throws IOException {
    try (Stream<Change> changes = work.changes()) {
      return changes.map(Change::toString).toList();
    }
  }

  /** Which file a path is. */
  @Nested
  protected class Resolve {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "etc/passwd",
          "/etc/passwd",
          "//etc//.//passwd",
          "etc/../etc/passwd",
          "../../etc/passwd",
          "srv/full/../../etc/passwd",
          "absolute",
          "etc/up",
          "chain",
          "directory/self/self/passwd",
          "directory/../etc/passwd",
          "link39"
        })
    void readString_anyWayToAFile_isThatOfTheLayer(String path) throws IOException {
      assertEquals(PASSWD, mount.file(path).readString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"etc/motd", "host/canary", "host/inside/file", "app", "app/x", "none"})
    void readString_wayThatOnlyTheHostHas_isMissing(String path) {
      assertThrows(NoSuchFileException.class, () -> mount.file(path).readString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"loop", "pool/x", "link40"})
    void readString_tooManyLinks_isALoop(String path) {
      assertThrows(FileSystemLoopException.class, () -> mount.file(path).readString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"etc/passwd/", "etc/passwd/.", "etc/passwd/x", "absolute/"})
    void readString_fileAsADirectory_isRefused(String path) {
      failsAt(
          NotDirectoryException.class, mount, "/etc/passwd", () -> mount.file(path).readString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/", "..", "etc", "etc/", "directory", "directory/", "etc/self"})
    void readString_directory_isRefused(String path) {
      FileSystemException e =
          assertThrows(FileSystemException.class, () -> mount.file(path).readString());
      assertEquals("is a directory", e.getReason());
    }

    @Test
    void readString_missing_namesTheWholePath() {
      failsAt(
          NoSuchFileException.class,
          mount,
          "/etc/nothing",
          () -> mount.file("directory/none").readString());
      failsAt(
          NoSuchFileException.class, mount, "/nowhere", () -> mount.file("nowhere/x").readString());
    }

    @Test
    void readString_mountedLayerItself_staysInIt() throws IOException {
      try (Mount readOnly = base.mount()) {
        assertEquals(PASSWD, readOnly.file("absolute").readString());
        assertThrows(NoSuchFileException.class, () -> readOnly.file("etc/motd").readString());
      }
    }

    @Test
    void readAllBytes_pathOfBytes_findsTheName() throws IOException {
      ByteString name = ByteString.of(new byte[] {'n', (byte) 0xfc, (byte) 0xe9});
      LayerPath path = LayerPath.of("srv").resolve(name);

      mount.file(path).write(new byte[] {1});

      assertArrayEquals(new byte[] {1}, mount.file(path).readAllBytes());
      assertEquals(List.of("C /srv", "A /" + path), changes());
    }

    @Test
    void file_nameWithUmlaut_isUtf8() throws IOException {
      mount.file("srv/\u00fc").writeString("1");

      assertEquals(List.of("C /srv", "A /srv/\u00fc"), changes());
    }

    @Test
    void file_nul_isRefused() {
      assertThrows(IllegalArgumentException.class, () -> mount.file("a\0b"));
    }

    @Test
    void resolve_linksOnTheWay_hasNoneInIt() throws IOException {
      assertEquals(mount.path().resolve("etc/passwd"), mount.resolve("chain"));
      assertEquals(mount.path().resolve("etc/passwd"), mount.resolve(LayerPath.of("absolute")));
      assertEquals(mount.path(), mount.resolve("/"));
      assertEquals(mount.path().resolve("etc"), mount.resolve("directory/"));
    }

    @Test
    void resolve_linkNotFollowed_isTheLink() throws IOException {
      assertEquals(
          mount.path().resolve("etc/motd"),
          mount.resolve("directory/motd", LinkOption.NOFOLLOW_LINKS));
      assertEquals(
          mount.path().resolve("etc"), mount.resolve("directory/", LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    void resolve_lastNameMissing_isWhereItWouldBe() throws IOException {
      assertEquals(mount.path().resolve("srv/app"), mount.resolve("app"));
      assertThrows(NoSuchFileException.class, () -> mount.resolve("app/x"));
    }
  }

  /** Writing and making. */
  @Nested
  protected class Write {

    @ParameterizedTest
    @ValueSource(strings = {"etc/motd", "host/canary", "host/new", "app/new"})
    void writeString_linkToWhatOnlyTheHostHas_isMissing(String path) throws IOException {
      assertThrows(NoSuchFileException.class, () -> mount.file(path).writeString("x"));
      assertEquals(List.of(), changes());
    }

    @Test
    void writeString_linkToTheHost_writesTheFileOfThatNameInTheLayer() throws IOException {
      mount.file("host").createDirectories();

      mount.file("etc/motd").writeString("x");

      assertEquals("x", mount.file(host + "/canary").readString());
    }

    @Test
    void writeString_danglingLink_makesTheTarget() throws IOException {
      mount.file("app").writeString("x");

      assertEquals("x", mount.file("srv/app").readString());
      assertEquals(List.of("C /srv", "A /srv/app"), changes());
    }

    @Test
    void writeString_fileThatIsThere_isReplaced() throws IOException {
      mount.file("absolute").writeString("x");

      assertEquals("x", mount.file("etc/passwd").readString());
      assertEquals(List.of("C /etc", "C /etc/passwd"), changes());
    }

    @Test
    void writeString_unpairedSurrogate_leavesTheFile() throws IOException {
      assertThrows(
          CharacterCodingException.class, () -> mount.file("etc/passwd").writeString("\ud800"));
      assertEquals(PASSWD, mount.file("etc/passwd").readString());
    }

    @Test
    void writeString_append_keepsWhatIsThere() throws IOException {
      mount.file("etc/up").writeString("more", StandardOpenOption.APPEND);

      assertEquals(PASSWD + "more", mount.file("etc/passwd").readString());
    }

    @Test
    void writeString_withoutCreate_needsTheFile() {
      assertThrows(
          NoSuchFileException.class,
          () -> mount.file("srv/new").writeString("x", StandardOpenOption.TRUNCATE_EXISTING));
    }

    @ParameterizedTest
    @ValueSource(strings = {"app", "etc/passwd", "loop", "etc/motd"})
    void writeString_createNewWhereSomethingIs_isRefused(String path) throws IOException {
      assertThrows(
          FileAlreadyExistsException.class,
          () -> mount.file(path).writeString("x", StandardOpenOption.CREATE_NEW));
      assertEquals(List.of(), changes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"srv/new/", "srv/new/.", "", "etc"})
    void writeString_pathOfADirectory_isRefused(String path) throws IOException {
      FileSystemException e =
          assertThrows(FileSystemException.class, () -> mount.file(path).writeString("x"));
      assertEquals("is a directory", e.getReason());
      assertEquals(List.of(), changes());
    }

    @Test
    void newOutputStream_read_isRefused() {
      assertThrows(
          IllegalArgumentException.class,
          () -> mount.file("srv/new").newOutputStream(StandardOpenOption.READ).close());
    }

    @Test
    void newOutputStream_thenNewInputStream_areTheSameBytes() throws IOException {
      try (OutputStream out = mount.file("srv/new").newOutputStream()) {
        out.write("12".getBytes(UTF_8));
      }
      try (InputStream in = mount.file("srv/new").newInputStream()) {
        assertEquals("12", new String(in.readAllBytes(), UTF_8));
      }
    }

    @Test
    void newByteChannel_readAndWrite_hasAPosition() throws IOException {
      try (SeekableByteChannel channel =
          mount
              .file("etc/passwd")
              .newByteChannel(Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE))) {
        channel.position(8).write(ByteBuffer.wrap("XX".getBytes(UTF_8)));
        assertEquals(PASSWD.length(), channel.size());
      }
      assertEquals("root of XXe image\n", mount.file("etc/passwd").readString());
    }

    @Test
    void newByteChannel_linkNotFollowed_isRefused() {
      FileSystemException e =
          assertThrows(
              FileSystemException.class,
              () ->
                  mount.file("absolute").newByteChannel(Set.of(LinkOption.NOFOLLOW_LINKS)).close());
      assertEquals("is a symbolic link, which is not to be followed", e.getReason());
    }

    @Test
    void newByteChannel_permissions_areThoseOfTheNewFile() throws IOException {
      assumePosix();
      mount
          .file("srv/new")
          .newByteChannel(
              Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))
          .close();

      assertEquals("rw-------", permissions("srv/new"));
    }

    @Test
    void newByteChannel_fifo_isRefusedWithoutWaiting() throws IOException {
      for (StandardOpenOption option : List.of(StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        FileSystemException e =
            assertThrows(
                FileSystemException.class,
                () -> mount.file("pipe").newByteChannel(Set.of(option)).close());
        assertTrue(e.getMessage().contains("is not a regular file"), e.getMessage());
      }
    }
  }

  private void assumePosix() {
    assumeTrue(
        mount.path().getFileSystem() == FileSystems.getDefault()
            && FileSystems.getDefault().supportedFileAttributeViews().contains("posix"),
        "needs a file system with permissions; Jimfs gives those asked for to directories only");
  }

  private String permissions(String path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(mount.resolve(path)));
  }

  /** Making directories. */
  @Nested
  protected class CreateDirectories {

    @Test
    void createDirectories_missing_areMade() throws IOException {
      mount.file("srv/a/b/c").createDirectories();

      assertEquals(List.of("C /srv", "A /srv/a", "A /srv/a/b", "A /srv/a/b/c"), changes());
    }

    @Test
    void createDirectories_danglingLink_makesTheTarget() throws IOException {
      mount.file("app/lib/").createDirectories();
      mount.file("app/lib/x.jar").writeString("x");

      assertEquals(
          List.of("C /srv", "A /srv/app", "A /srv/app/lib", "A /srv/app/lib/x.jar"), changes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/", "etc", "directory", "directory/self", "../srv/full/"})
    void createDirectories_present_doesNothing(String path) throws IOException {
      mount.file(path).createDirectories();

      assertEquals(List.of(), changes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"etc/passwd", "absolute"})
    void createDirectories_file_isRefused(String path) throws IOException {
      failsAt(
          FileAlreadyExistsException.class,
          mount,
          "/etc/passwd",
          () -> mount.file(path).createDirectories());
      assertEquals(List.of(), changes());
    }

    @Test
    void createDirectories_belowAFile_isRefused() {
      assertThrows(
          NotDirectoryException.class, () -> mount.file("etc/passwd/x").createDirectories());
    }

    @Test
    void createDirectories_permissions_areThoseOfEachNewOne() throws IOException {
      assumePosix();
      mount
          .file("srv/a/b")
          .createDirectories(
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));

      assertEquals("rwx------", permissions("srv/a"));
      assertEquals("rwx------", permissions("srv/a/b"));
    }

    @Test
    void createDirectories_deeperThanLinksAreFollowed_areMade() throws IOException {
      String deep = "d/".repeat(3 * RootedFile.MAX_LINKS);

      mount.file(deep).createDirectories();
      mount.file(deep + "file").writeString("x");

      assertEquals("x", mount.file(deep + "file").readString());
    }
  }

  /** Deleting. */
  @Nested
  protected class Delete {

    @Test
    void delete_link_leavesTheTarget() throws IOException {
      mount.file("absolute").delete();
      mount.file("directory/motd").delete();

      assertEquals(PASSWD, mount.file("etc/passwd").readString());
      assertEquals(List.of("D /absolute", "C /etc", "D /etc/motd"), changes());
    }

    @Test
    void delete_fileAndThenItsDirectory_areGone() throws IOException {
      mount.file("srv/full/file").delete();
      mount.file("srv/full/").delete();

      assertEquals(List.of("C /srv", "D /srv/full"), changes());
    }

    @Test
    void delete_directoryWithFiles_isRefused() throws IOException {
      failsAt(
          DirectoryNotEmptyException.class,
          mount,
          "/srv/full",
          () -> mount.file("srv/full").delete());
      assertEquals(List.of(), changes());
    }

    @Test
    void delete_missing_isRefused() {
      failsAt(NoSuchFileException.class, mount, "/srv/none", () -> mount.file("srv/none").delete());
    }

    @Test
    void delete_linkAsADirectory_isRefused() throws IOException {
      assertThrows(NotDirectoryException.class, () -> mount.file("directory/").delete());
      assertEquals(List.of(), changes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/", "..", "srv/..", "srv/full/.."})
    void delete_noName_isRefused(String path) throws IOException {
      assertThrows(FileSystemException.class, () -> mount.file(path).delete());
      assertEquals(List.of(), changes());
    }
  }

  /** Names and links as the layer has them, whatever the file system makes of them. */
  @Nested
  protected class Names {

    @Test
    void readString_namesThatDifferInCase_areTwoFiles() throws IOException {
      assertEquals("upper", mount.file("man/PAM.7").readString());
      assertEquals("lower", mount.file("MAN/pam.7").readString());
      assertThrows(NoSuchFileException.class, () -> mount.file("man/Pam.7").readString());
    }

    @Test
    void readString_nameThatNotAllSystemsHave_isThatFile() throws IOException {
      assertEquals("colons", mount.file("MAN/Net::DNS").readString());
      assertEquals("upper", mount.file("man/link").readString());
    }

    @Test
    void list_directory_hasTheNamesOfTheLayer() throws IOException {
      List<LayerPath> expected =
          Stream.of("man/Net::DNS", "man/PAM.7", "man/link", "man/pam.7")
              .map(LayerPath::of)
              .toList();

      assertEquals(expected, mount.file("man").list());
      assertEquals(expected, mount.file("/MAN/").list());
    }

    @Test
    void list_root_hasWhatFileFinds() throws IOException {
      for (LayerPath path : mount.file("").list()) {
        mount.file(path).path(LinkOption.NOFOLLOW_LINKS);
      }
      assertTrue(mount.file("/").list().contains(LayerPath.of("absolute")));
    }

    @Test
    void list_emptyDirectory_hasNothing() throws IOException {
      mount.file("srv/new").createDirectories();

      assertEquals(List.of(), mount.file("srv/new").list());
    }

    @Test
    void list_noDirectory_isRefused() {
      failsAt(
          NotDirectoryException.class, mount, "/etc/passwd", () -> mount.file("absolute").list());
      failsAt(NoSuchFileException.class, mount, "/srv/app", () -> mount.file("app").list());
    }

    @Test
    void writeString_nameThatDiffersInCase_isANewFile() throws IOException {
      mount.file("MAN/Pam.7").writeString("mixed");

      assertEquals("mixed", mount.file("man/Pam.7").readString());
      assertEquals("upper", mount.file("man/PAM.7").readString());
      assertEquals("lower", mount.file("man/pam.7").readString());
      assertEquals(List.of("C /man", "A /man/Pam.7"), changes());
    }

    @Test
    void writeString_oneOfTwoNames_leavesTheOther() throws IOException {
      mount.file("man/link").writeString("changed");

      assertEquals("changed", mount.file("man/PAM.7").readString());
      assertEquals("lower", mount.file("man/pam.7").readString());
      assertEquals(List.of("C /man", "C /man/PAM.7"), changes());
    }

    @Test
    void createDirectories_namesThatNotAllSystemsHave_areMade() throws IOException {
      mount.file("srv/a:b/A:B/con").createDirectories();
      mount.file("srv/a:b/A:B/con/x?").writeString("x");

      assertEquals(
          List.of(LayerPath.of("srv/a:b/A:B/con/x?")), mount.file("srv/a:b/A:B/con").list());
      assertEquals(
          List.of(
              "C /srv",
              "A /srv/a:b",
              "A /srv/a:b/A:B",
              "A /srv/a:b/A:B/con",
              "A /srv/a:b/A:B/con/x?"),
          changes());
    }

    @Test
    void delete_oneOfTwoNames_leavesTheOther() throws IOException {
      mount.file("MAN/PAM.7").delete();

      assertEquals("lower", mount.file("man/pam.7").readString());
      assertEquals(List.of("C /man", "D /man/PAM.7"), changes());
    }

    @Test
    void writeString_whereALinkWas_isAFile() throws IOException {
      mount.file("man/link").delete();
      mount.file("man/link").writeString("PAM.7");

      assertEquals("PAM.7", mount.file("man/link").readString());
      assertEquals(List.of("C /man", "C /man/link"), changes());
    }
  }

  /** How long files can be used. */
  @Nested
  protected class Life {

    @Test
    void file_mountClosed_isRefused() throws IOException {
      RootedFile file = mount.file("etc/passwd");

      mount.close();

      assertThrows(IllegalStateException.class, file::readString);
      assertThrows(IllegalStateException.class, () -> file.writeString("x"));
      assertThrows(IllegalStateException.class, () -> mount.resolve("etc"));
    }

    @Test
    void file_mountClosedLazily_isRefused() throws IOException {
      RootedFile file = mount.file("srv/new");

      mount.closeLazily();

      assertThrows(IllegalStateException.class, () -> file.writeString("x"));
    }

    @Test
    void file_storeClosed_isRefused() throws IOException {
      RootedFile file = mount.file("etc/passwd");

      store.close();

      assertThrows(IllegalStateException.class, file::readString);
    }

    @Test
    void file_used_leavesTheMountFree() throws IOException {
      mount.file("srv/a/b").createDirectories();
      mount.file("directory/passwd").writeString("x");
      mount.file("srv/full/file").delete();
      assertThrows(NoSuchFileException.class, () -> mount.file("etc/motd").readString());

      mount.close();
    }

    @Test
    void initialize_linksOfTheLayer_areFollowedInsideOnly() throws IOException {
      AtomicInteger refused = new AtomicInteger();
      RWLayerOptions options =
          RWLayerOptions.builder()
              .initializer(
                  root -> {
                    assertThrows(
                        NoSuchFileException.class, () -> root.file("etc/motd").writeString("x"));
                    refused.incrementAndGet();
                    root.file("app").createDirectories();
                    root.file("app/hosts").writeString("localhost");
                  })
              .build();

      try (RWLayer other =
              store.createRWLayer("other", options.toBuilder().parent(base.chainId()).build());
          Mount view = other.mount()) {
        assertEquals("localhost", view.file("srv/app/hosts").readString());
      }
      assertEquals(1, refused.get());
    }

    @Test
    void initialize_rootKept_isRefusedAfterwards() throws IOException {
      RootDirectory[] kept = new RootDirectory[1];
      RWLayerOptions options = RWLayerOptions.builder().initializer(root -> kept[0] = root).build();
      store.createRWLayer("other", options.toBuilder().parent(base.chainId()).build()).close();

      assertThrows(IllegalStateException.class, () -> kept[0].file("etc/passwd").readString());
    }
  }

  /**
   * Somebody exchanges a directory for a link to the host all the time, as a process in a container
   * can.
   */
  @Test
  void file_directoryBecomesALinkMeanwhile_neverLeadsOut() throws Exception {
    assumeTrue(
        mount.path().getFileSystem() == FileSystems.getDefault(),
        "in memory, directories cannot be held open");
    mount.file("srv/moving/inside").createDirectories();
    Path moving = mount.resolve("srv/moving");
    AtomicBoolean isOver = new AtomicBoolean();
    AtomicInteger rounds = new AtomicInteger();
    Thread swapper =
        new Thread(
            () -> {
              try {
                while (!isOver.get()) {
                  swap(moving);
                  rounds.incrementAndGet();
                }
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            },
            "swapper");
    swapper.start();
    int worked = 0;
    try {
      for (int i = 0; (i < 200 || rounds.get() < 200) && swapper.isAlive(); i++) {
        worked += tried(() -> mount.file("srv/moving/canary").writeString("of the layer")) ? 1 : 0;
        tried(
            () ->
                assertFalse(mount.file("srv/moving/canary").readString().contains(Canary.SECRET)));
        tried(() -> mount.file("srv/moving/inside/new").createDirectories());
        tried(() -> mount.file("srv/moving/inside/new").delete());
        tried(() -> mount.file("srv/moving/inside/file").delete());
      }
    } finally {
      isOver.set(true);
      swapper.join();
    }

    canary.assertUntouched();
    assertTrue(worked > 0, "nothing was written, so nothing was tried");
    assertEquals("of the layer", mount.file("srv/moving/canary").readString());
  }

  private void swap(Path moving) throws IOException {
    Path aside = moving.resolveSibling("aside");
    Files.move(moving, aside, StandardCopyOption.ATOMIC_MOVE);
    tried(
        () -> {
          Files.createSymbolicLink(moving, canary.directory());
          Files.delete(moving);
        });
    // Where the directory was away, the other thread may have made a new one.
    while (!tried(() -> Files.move(aside, moving, StandardCopyOption.ATOMIC_MOVE))) {
      tried(() -> TreeDeletion.delete(moving));
    }
  }

  /** Whether it worked; it may fail while the directory is away. */
  private static boolean tried(Action action) {
    try {
      action.run();
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
