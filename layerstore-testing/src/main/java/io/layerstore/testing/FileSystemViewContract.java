package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ByteString;
import io.layerstore.LayerEntryAttributes;
import io.layerstore.ViewOptions;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AccessMode;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.ProviderMismatchException;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.DosFileAttributeView;
import java.nio.file.attribute.DosFileAttributes;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Layers shown as a file system: what {@code java.nio.file} promises, and what overlay shows, for
 * each place that layers can come from.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class FileSystemViewContract {

  /** A name in Latin-1, which is no UTF-8. */
  private static final byte[] LATIN = "caf\u00e9".getBytes(ISO_8859_1);

  private static final String LATIN_TEXT = "caf\udce9";
  private static final byte[] LARGE = large();

  private FileSystem files;

  /** Shows {@code layers}, archives that are not compressed, the lowest first. */
  protected abstract FileSystem open(List<byte[]> layers, ViewOptions options) throws IOException;

  /**
   * Whether the highest layer is its archive; false if it is files that were made of it, which tell
   * neither what had an entry nor how something was deleted.
   */
  protected boolean showsArchives() {
    return true;
  }

  @BeforeAll
  final void openTwoLayers() throws IOException {
    files = open(List.of(base(), top()), ViewOptions.DEFAULT);
  }

  @AfterAll
  final void closeThem() throws IOException {
    if (files != null) {
      files.close();
    }
  }

  private static byte[] large() {
    byte[] bytes = new byte[300_000];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) ((i * 31) >> 3);
    }
    return bytes;
  }

  private static byte[] base() {
    return new TarBuilder()
        .directory("etc/")
        .file("etc/os-release", "ID=test\n")
        .file("etc/gone", "gone")
        .file("etc/changed", "old")
        .directory("usr/")
        .directory("usr/bin/")
        .file(TarHeaderBlock.named("usr/bin/tool").mode(04755).uid(7).gid(8), "tool")
        .header(TarHeaderBlock.hardLink("usr/bin/tool2", "usr/bin/tool").mode(04755).uid(7).gid(8))
        .file("usr/bin/other", "other")
        .symlink("usr/bin/up", "../../../../etc/os-release")
        .symlink("bin", "usr/bin")
        .symlink("abs", "/etc/os-release")
        .symlink("loop", "pool")
        .symlink("pool", "/loop")
        .symlink("dangling", "nothing")
        .header(TarHeaderBlock.named("null").type('3').device(1, 3).mode(0666))
        .header(TarHeaderBlock.named("pipe").type('6').mode(0600))
        .pax("SCHILY.xattr.user.note", "seen", "SCHILY.xattr.security.test", "kept")
        .file("noted", "n")
        .file(TarHeaderBlock.named(LATIN), "latin".getBytes(UTF_8))
        .file("caf\u00e9", "utf8")
        .file(TarHeaderBlock.named("large.bin"), LARGE)
        .file("empty", "")
        .directory("op/")
        .file("op/old", "old")
        .directory("whole/")
        .file("whole/y", "y")
        .file("was-file", "file")
        .directory("was-dir/")
        .file("was-dir/z", "z")
        .directory("merged/")
        .file("merged/lower", "lower")
        .end()
        .toBytes();
  }

  private static byte[] top() {
    return new TarBuilder()
        .directory("etc/")
        .file("etc/.wh.gone", "")
        .file(TarHeaderBlock.named("etc/changed").modified(1_700_000_000L), "new")
        .directory("op/")
        .file("op/.wh..wh..opq", "")
        .file("op/new", "new")
        .file(".wh.whole", "")
        .directory("was-file/")
        .file("was-file/in", "in")
        .file("was-dir", "now a file")
        .file("merged/upper", "upper")
        .file("implied/deep/file", "deep")
        .end()
        .toBytes();
  }

  private Path path(String text) {
    return files.getPath(text);
  }

  private static List<String> names(Path directory) throws IOException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      entries.forEach(entry -> names.add(entry.getFileName().toString()));
    }
    return names;
  }

  private LayerEntryAttributes attributes(String path) throws IOException {
    return Files.readAttributes(path(path), LayerEntryAttributes.class, NOFOLLOW_LINKS);
  }

  // What the layers are together.

  @Test
  void list_root_isSortedByBytes() throws IOException {
    assertEquals(
        List.of(
            "abs",
            "bin",
            "caf\u00e9",
            LATIN_TEXT,
            "dangling",
            "empty",
            "etc",
            "implied",
            "large.bin",
            "loop",
            "merged",
            "noted",
            "null",
            "op",
            "pipe",
            "pool",
            "usr",
            "was-dir",
            "was-file"),
        names(path("/")));
  }

  @Test
  void read_fileOfBase_isItsContent() throws IOException {
    assertEquals("ID=test\n", Files.readString(path("/etc/os-release")));
  }

  @Test
  void read_changedFile_isTheNewContent() throws IOException {
    assertEquals("new", Files.readString(path("/etc/changed")));
  }

  @Test
  void whiteout_ofFile_hidesIt() {
    assertThrows(NoSuchFileException.class, () -> Files.size(path("/etc/gone")));
  }

  @Test
  void whiteout_ofDirectory_hidesAllOfIt() {
    assertFalse(Files.exists(path("/whole/y")));
  }

  @Test
  void opaque_directory_hasOnlyWhatIsNew() throws IOException {
    assertEquals(List.of("new"), names(path("/op")));
  }

  @Test
  void directory_overFile_isTheDirectory() throws IOException {
    assertEquals("in", Files.readString(path("/was-file/in")));
  }

  @Test
  void file_overDirectory_isTheFile() throws IOException {
    assertEquals("now a file", Files.readString(path("/was-dir")));
    assertThrows(NotDirectoryException.class, () -> Files.size(path("/was-dir/z")));
  }

  @Test
  void impliedParent_ofTopLayer_isMergedWithTheDirectoryBelow() throws IOException {
    assertEquals(List.of("lower", "upper"), names(path("/merged")));
    assertEquals("lower", Files.readString(path("/merged/lower")));
    assertEquals(showsArchives(), attributes("/merged").isImplied());
  }

  @Test
  void impliedParent_isADirectoryOfRoot() throws IOException {
    LayerEntryAttributes deep = attributes("/implied/deep");
    assertEquals("rwxr-xr-x", PosixFilePermissions.toString(deep.permissions()));
    assertEquals(0, deep.uid());
  }

  @Test
  void walk_root_seesEveryEntryOnce() throws IOException {
    try (Stream<Path> all = Files.walk(path("/"))) {
      List<String> paths = all.map(Path::toString).toList();
      assertEquals(paths.size(), Set.copyOf(paths).size());
      assertTrue(paths.contains("/implied/deep/file"), paths.toString());
      assertEquals(33, paths.size(), paths.toString());
    }
  }

  @Test
  void onlyThisLayer_showsItsWhiteouts() throws IOException {
    try (FileSystem alone =
        open(List.of(base(), top()), ViewOptions.builder().onlyThisLayer(true).build())) {
      assertEquals(
          List.of("etc", "implied", "merged", "op", "was-dir", "was-file", "whole"),
          names(alone.getPath("/")));
      LayerEntryAttributes gone =
          Files.readAttributes(alone.getPath("/etc/gone"), LayerEntryAttributes.class);
      assertTrue(gone.isWhiteout());
      assertTrue(gone.isOther());
      boolean isOpaque = (boolean) Files.getAttribute(alone.getPath("/op"), "layer:isOpaque");
      assertTrue(isOpaque || !showsArchives());
      assertEquals("new", Files.readString(alone.getPath("/etc/changed")));
    }
  }

  // Attributes.

  @Test
  void attributes_ofFile_areThoseOfTheArchive() throws IOException {
    LayerEntryAttributes tool = attributes("/usr/bin/tool");
    assertEquals(0104755, tool.mode());
    assertEquals(7, tool.uid());
    assertEquals(8, tool.gid());
    assertEquals("7", tool.owner().getName());
    assertEquals("8", tool.group().getName());
    assertEquals(4, tool.size());
    assertEquals(FileTime.fromMillis(TarHeaderBlock.MODIFIED * 1000), tool.lastModifiedTime());
  }

  @Test
  void attributes_ofHardLinks_areOneFile() throws IOException {
    assertEquals(attributes("/usr/bin/tool").fileKey(), attributes("/usr/bin/tool2").fileKey());
    assertNotEquals(attributes("/usr/bin/tool").fileKey(), attributes("/usr/bin/other").fileKey());
    assertEquals(2, attributes("/usr/bin/tool").linkCount());
    assertTrue(Files.isSameFile(path("/usr/bin/tool"), path("/bin/tool2")));
    assertFalse(Files.isSameFile(path("/usr/bin/tool"), path("/usr/bin/other")));
  }

  @Test
  void attributes_ofDeviceAndPipe_areOther() throws IOException {
    assertTrue(attributes("/null").isOther());
    assertEquals((1 << 8) | 3, attributes("/null").deviceNumber());
    assertEquals(0020666, attributes("/null").mode());
    assertEquals(0010600, attributes("/pipe").mode());
  }

  @Test
  void attributes_ofLink_areItsOwnUnlessFollowed() throws IOException {
    assertTrue(attributes("/abs").isSymbolicLink());
    assertEquals(15, attributes("/abs").size());
    assertTrue(Files.readAttributes(path("/abs"), BasicFileAttributes.class).isRegularFile());
  }

  @Test
  void attributes_extended_haveTheirFullNames() throws IOException {
    assertEquals(
        Map.of(
            ByteString.utf8("user.note"), ByteString.utf8("seen"),
            ByteString.utf8("security.test"), ByteString.utf8("kept")),
        attributes("/noted").extendedAttributes());
  }

  @Test
  void userView_hasThoseOfUsers() throws IOException {
    UserDefinedFileAttributeView view =
        Files.getFileAttributeView(path("/noted"), UserDefinedFileAttributeView.class);
    assertEquals(List.of("note"), view.list());
    ByteBuffer value = ByteBuffer.allocate(view.size("note"));
    view.read("note", value);
    assertEquals("seen", new String(value.array(), UTF_8));
    assertArrayEquals(
        "seen".getBytes(UTF_8), (byte[]) Files.getAttribute(path("/noted"), "user:note"));
    assertThrows(NoSuchFileException.class, () -> view.size("other"));
  }

  @Test
  void layerView_saysWhereAnEntryComesFrom() throws IOException {
    LayerEntryAttributes changed = attributes("/etc/changed");
    assertEquals(1, changed.layerIndex());
    assertEquals(0, attributes("/etc/os-release").layerIndex());
    assertEquals(1, changed.shadowed().size());
    assertEquals(3, changed.shadowed().get(0).size());
    assertEquals(0, changed.shadowed().get(0).layerIndex());
    assertEquals(List.of(), attributes("/etc/os-release").shadowed());
    assertEquals(1, attributes("/etc").shadowed().size());
  }

  @Test
  void unixView_hasNumbers() throws IOException {
    Map<String, Object> unix = Files.readAttributes(path("/usr/bin/tool"), "unix:*");
    assertEquals(7, unix.get("uid"));
    assertEquals(8, unix.get("gid"));
    assertEquals(0104755, unix.get("mode"));
    assertEquals(2, unix.get("nlink"));
    assertEquals(0L, unix.get("rdev"));
    assertEquals(4L, unix.get("size"));
    assertTrue((long) unix.get("ino") > 0);
  }

  @Test
  void attributesByName_wildcard_isAllOfTheView() throws IOException {
    assertEquals(
        Set.of(
            "lastModifiedTime",
            "lastAccessTime",
            "creationTime",
            "size",
            "isRegularFile",
            "isDirectory",
            "isSymbolicLink",
            "isOther",
            "fileKey"),
        Files.readAttributes(path("/empty"), "*").keySet());
    assertEquals(
        Set.of("size", "isOther"), Files.readAttributes(path("/empty"), "size,isOther").keySet());
    assertEquals(Set.of("owner"), Files.readAttributes(path("/empty"), "owner:*").keySet());
    assertTrue(Files.readAttributes(path("/empty"), "posix:*").containsKey("permissions"));
  }

  @Test
  void attributesByName_unknown_isRefused() {
    assertThrows(
        IllegalArgumentException.class, () -> Files.readAttributes(path("/empty"), "basic:owner"));
    assertThrows(
        IllegalArgumentException.class, () -> Files.readAttributes(path("/empty"), "basic:"));
    assertThrows(
        UnsupportedOperationException.class, () -> Files.readAttributes(path("/empty"), "dos:*"));
    assertThrows(
        UnsupportedOperationException.class,
        () -> Files.readAttributes(path("/empty"), DosFileAttributes.class));
    assertNull(Files.getFileAttributeView(path("/empty"), DosFileAttributeView.class));
  }

  @Test
  void attributeViews_setters_areReadOnly() throws IOException {
    PosixFileAttributeView view =
        Files.getFileAttributeView(path("/empty"), PosixFileAttributeView.class);
    assertEquals("posix", view.name());
    assertThrows(ReadOnlyFileSystemException.class, () -> view.setPermissions(Set.of()));
    assertThrows(ReadOnlyFileSystemException.class, () -> view.setTimes(null, null, null));
    assertThrows(
        ReadOnlyFileSystemException.class, () -> view.setGroup(view.readAttributes().group()));
    assertThrows(
        ReadOnlyFileSystemException.class,
        () ->
            Files.getFileAttributeView(path("/empty"), FileOwnerAttributeView.class)
                .setOwner(view.getOwner()));
    assertThrows(
        ReadOnlyFileSystemException.class,
        () -> Files.setAttribute(path("/empty"), "unix:mode", 0644));
    assertEquals("0", Files.getOwner(path("/empty")).getName());
    assertEquals(
        PosixFilePermissions.fromString("rwsr-xr-x".replace('s', 'x')),
        Files.readAttributes(path("/bin/tool"), PosixFileAttributes.class).permissions());
  }

  @Test
  void principals_areNumbers() throws IOException {
    assertEquals(
        Files.getOwner(path("/usr/bin/tool")),
        files.getUserPrincipalLookupService().lookupPrincipalByName("7"));
    assertThrows(
        UserPrincipalNotFoundException.class,
        () -> files.getUserPrincipalLookupService().lookupPrincipalByName("root"));
  }

  // Links.

  @ParameterizedTest
  @ValueSource(strings = {"/abs", "/bin/up", "/usr/bin/up", "bin/../bin/up", "/bin/./up"})
  void read_throughLinks_staysInside(String path) throws IOException {
    assertEquals("ID=test\n", Files.readString(path(path)));
  }

  @Test
  void read_loop_isALoop() {
    assertThrows(FileSystemLoopException.class, () -> Files.readString(path("/loop")));
    assertThrows(FileSystemLoopException.class, () -> Files.readString(path("/loop/x")));
  }

  @Test
  void read_dangling_isMissing() {
    assertThrows(NoSuchFileException.class, () -> Files.readString(path("/dangling")));
    assertTrue(Files.exists(path("/dangling"), NOFOLLOW_LINKS));
    assertFalse(Files.exists(path("/dangling")));
  }

  @Test
  void readSymbolicLink_isTheText() throws IOException {
    assertEquals(path("usr/bin"), Files.readSymbolicLink(path("/bin")));
    assertThrows(NotLinkException.class, () -> Files.readSymbolicLink(path("/etc")));
  }

  @Test
  void toRealPath_followsLinks() throws IOException {
    assertEquals(path("/usr/bin/tool"), path("bin/tool").toRealPath());
    assertEquals(path("/etc/os-release"), path("/bin/up").toRealPath());
    assertEquals(path("/usr/bin/up"), path("/bin/up").toRealPath(NOFOLLOW_LINKS));
    assertEquals(path("/usr"), path("bin/..").toRealPath());
    assertEquals(path("/"), path("").toRealPath());
  }

  @Test
  void list_throughLink_hasPathsBelowTheLink() throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(path("bin"), "t*")) {
      List<Path> found = new ArrayList<>();
      entries.forEach(found::add);
      assertEquals(List.of(path("bin/tool"), path("bin/tool2")), found);
      assertEquals("tool", Files.readString(found.get(0)));
    }
  }

  @Test
  void open_withNoFollow_refusesALink() {
    assertThrows(
        IOException.class, () -> Files.newInputStream(path("/abs"), NOFOLLOW_LINKS).close());
    assertThrows(
        IOException.class,
        () -> Files.newByteChannel(path("/abs"), Set.of(NOFOLLOW_LINKS)).close());
  }

  // Contents.

  @Test
  void channel_isSeekable() throws IOException {
    try (SeekableByteChannel channel = Files.newByteChannel(path("/large.bin"))) {
      assertEquals(LARGE.length, channel.size());
      ByteBuffer buffer = ByteBuffer.allocateDirect(1000);
      for (int position : new int[] {250_000, 0, 100_000, 299_500}) {
        channel.position(position);
        buffer.clear();
        while (buffer.hasRemaining() && channel.read(buffer) >= 0) {
          // as much as comes
        }
        buffer.flip();
        byte[] read = new byte[buffer.remaining()];
        buffer.get(read);
        assertArrayEquals(
            Arrays.copyOfRange(LARGE, position, Math.min(position + 1000, LARGE.length)), read);
      }
      assertEquals(-1, channel.position(LARGE.length + 5L).read(ByteBuffer.allocate(1)));
      assertThrows(NonWritableChannelException.class, () -> channel.truncate(1));
      assertThrows(NonWritableChannelException.class, () -> channel.write(ByteBuffer.allocate(1)));
      assertThrows(IllegalArgumentException.class, () -> channel.position(-1));
    }
  }

  @Test
  void readAllBytes_ofLargeFile_isAllOfIt() throws IOException {
    assertArrayEquals(LARGE, Files.readAllBytes(path("/large.bin")));
    try (InputStream in = Files.newInputStream(path("/large.bin"))) {
      in.skipNBytes(1234);
      assertEquals(LARGE[1234], (byte) in.read());
    }
    assertEquals(0, Files.readAllBytes(path("/empty")).length);
  }

  @Test
  void read_whatIsNoFile_fails() {
    assertThrows(FileSystemException.class, () -> Files.readString(path("/etc")));
    assertThrows(FileSystemException.class, () -> Files.readString(path("/null")));
    assertThrows(FileSystemException.class, () -> Files.readString(path("/pipe")));
  }

  @Test
  void copy_toTheHost_takesContentAndTime() throws IOException {
    Path target = Files.createTempFile("view", ".bin");
    try {
      Files.copy(
          path("/large.bin"),
          target,
          StandardCopyOption.REPLACE_EXISTING,
          StandardCopyOption.COPY_ATTRIBUTES);
      assertArrayEquals(LARGE, Files.readAllBytes(target));
      assertEquals(TarHeaderBlock.MODIFIED, Files.getLastModifiedTime(target).toMillis() / 1000);
    } finally {
      Files.delete(target);
    }
  }

  @Test
  void probeContentType_goesByTheName() throws IOException {
    assertEquals(
        Files.probeContentType(Path.of("x.bin")), Files.probeContentType(path("/large.bin")));
  }

  @Test
  void read_byManyThreads_isRight() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<Boolean>> results = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        Callable<Boolean> task =
            () -> {
              try (Stream<Path> all = Files.walk(path("/"))) {
                assertEquals(33, all.count());
              }
              return Arrays.equals(LARGE, Files.readAllBytes(path("/large.bin")))
                  && Files.readString(path("/merged/lower")).equals("lower");
            };
        results.add(threads.submit(task));
      }
      for (Future<Boolean> result : results) {
        assertTrue(result.get());
      }
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void close_whileOthersRead_endsTheirReading() throws Exception {
    FileSystem own = open(List.of(base(), top()), ViewOptions.DEFAULT);
    int count = 4;
    ExecutorService threads = Executors.newFixedThreadPool(count);
    CountDownLatch reading = new CountDownLatch(count);
    try {
      List<Future<Exception>> ends = new ArrayList<>();
      Path root = own.getPath("/");
      for (int i = 0; i < count; i++) {
        ends.add(threads.submit(() -> readUntilItFails(root, reading)));
      }
      reading.await();
      own.close();
      for (Future<Exception> end : ends) {
        assertInstanceOf(ClosedFileSystemException.class, end.get());
      }
    } finally {
      threads.shutdown();
    }
  }

  private static Exception readUntilItFails(Path root, CountDownLatch reading) {
    for (boolean isFirst = true; ; isFirst = false) {
      try {
        Files.readAllBytes(root.resolve("large.bin"));
        Files.readString(root.resolve("merged/lower"));
        names(root);
        if (isFirst) {
          reading.countDown();
        }
      } catch (IOException | RuntimeException e) {
        return e;
      }
    }
  }

  // Writing.

  @Test
  void write_anything_isReadOnly() {
    Path file = path("/etc/os-release");
    Path absent = path("/new");
    assertThrows(ReadOnlyFileSystemException.class, () -> Files.writeString(file, "x"));
    assertThrows(ReadOnlyFileSystemException.class, () -> Files.writeString(absent, "x"));
    assertThrows(ReadOnlyFileSystemException.class, () -> Files.delete(file));
    assertThrows(ReadOnlyFileSystemException.class, () -> Files.createDirectory(absent));
    assertThrows(ReadOnlyFileSystemException.class, () -> Files.createSymbolicLink(absent, file));
    assertThrows(ReadOnlyFileSystemException.class, () -> Files.createLink(absent, file));
    assertThrows(ReadOnlyFileSystemException.class, () -> Files.copy(file, absent));
    assertThrows(ReadOnlyFileSystemException.class, () -> Files.move(file, absent));
    assertThrows(
        ReadOnlyFileSystemException.class,
        () -> Files.newByteChannel(file, StandardOpenOption.APPEND));
    assertTrue(files.isReadOnly());
    assertFalse(Files.isWritable(file));
    assertTrue(Files.isReadable(file));
    assertFalse(Files.isExecutable(file));
    assertTrue(Files.isExecutable(path("/bin/tool")));
    assertThrows(
        AccessDeniedException.class, () -> files.provider().checkAccess(file, AccessMode.WRITE));
  }

  // Names.

  @Test
  void name_thatIsNoUtf8_survives() throws IOException {
    assertEquals("latin", Files.readString(path("/" + LATIN_TEXT)));
    assertEquals("utf8", Files.readString(path("/caf\u00e9")));
    Path found = null;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(path("/"), "caf?")) {
      for (Path entry : entries) {
        if (entry.toString().equals("/" + LATIN_TEXT)) {
          found = entry;
        }
      }
    }
    assertEquals(found, path(found.toString()));
    assertEquals(found, Path.of(found.toUri()));
  }

  @Test
  void getPath_whatCannotBeAName_isInvalid() {
    assertThrows(InvalidPathException.class, () -> path("a\0b"));
    assertThrows(InvalidPathException.class, () -> path("a\ud800b"));
    assertThrows(InvalidPathException.class, () -> path("a\udc00b"));
  }

  // Paths.

  @Test
  void getPath_joinsAndCleans() {
    assertEquals("/a/b", files.getPath("/a//b/").toString());
    assertEquals("a/b/c", files.getPath("a", "", "b/", "c").toString());
    assertEquals("/", files.getPath("//").toString());
    assertEquals("", files.getPath("").toString());
    assertEquals("/a", files.getPath("", "/a").toString());
  }

  @ParameterizedTest
  @CsvSource({
    "/a/./b, /a/b",
    "/a/../b, /b",
    "/../a, /a",
    "/.., /",
    "a/.., ''",
    "../a, ../a",
    "a/../../b, ../b",
    "'', ''",
    "/, /",
  })
  void normalize_takesDotsAway(String path, String expected) {
    assertEquals(expected, path(path).normalize().toString());
  }

  @Test
  void parts_ofAbsolutePath() {
    Path path = path("/a/b/c");
    assertTrue(path.isAbsolute());
    assertEquals(path("/"), path.getRoot());
    assertEquals(path("c"), path.getFileName());
    assertEquals(path("/a/b"), path.getParent());
    assertEquals(path("/"), path("/a").getParent());
    assertEquals(3, path.getNameCount());
    assertEquals(path("a"), path.getName(0));
    assertEquals(path("b/c"), path.subpath(1, 3));
    assertThrows(IllegalArgumentException.class, () -> path.subpath(2, 2));
    assertThrows(IllegalArgumentException.class, () -> path.getName(3));
    List<String> names = new ArrayList<>();
    path.forEach(name -> names.add(name.toString()));
    assertEquals(List.of("a", "b", "c"), names);
  }

  @Test
  void parts_ofRoot_areNone() {
    assertNull(path("/").getFileName());
    assertNull(path("/").getParent());
    assertEquals(0, path("/").getNameCount());
    assertThrows(IllegalArgumentException.class, () -> path("/").getName(0));
  }

  @Test
  void parts_ofEmptyPath_areOneEmptyName() {
    Path empty = path("");
    assertFalse(empty.isAbsolute());
    assertNull(empty.getRoot());
    assertNull(empty.getParent());
    assertEquals(1, empty.getNameCount());
    assertEquals(empty, empty.getFileName());
    assertEquals(empty, empty.getName(0));
    assertEquals(path("/"), empty.toAbsolutePath());
    assertEquals(path("a"), empty.resolve("a"));
    assertEquals(path("a"), path("a").resolve(""));
    assertEquals(path("a"), empty.relativize(path("a")));
    assertTrue(empty.startsWith(empty));
    assertFalse(path("a").startsWith(empty));
  }

  @Test
  void dots_atTheRoot_stayThere() throws IOException {
    assertEquals("ID=test\n", Files.readString(path("/../../etc/os-release")));
    assertTrue(Files.isSameFile(path("/.."), path("/")));
  }

  @Test
  void resolve_lawsHold() {
    assertEquals(path("/b"), path("/a").resolve("/b"));
    assertEquals(path("/a/b"), path("/a").resolve("b"));
    assertEquals(path("/b"), path("/").resolve("b"));
    assertEquals(path("/a/c"), path("/a/b").resolveSibling("c"));
    assertEquals(path("/etc"), path("etc").toAbsolutePath());
  }

  @ParameterizedTest
  @CsvSource({
    "/a/b, /a/b/c/d, c/d",
    "/a/b/c, /a/d, ../../d",
    "/a, /a, ''",
    "a/b, c, ../../c",
    "'', a/b, a/b",
    "a, '', ..",
  })
  void relativize_isTheWayFromOneToTheOther(String from, String to, String way) {
    assertEquals(path(way), path(from).relativize(path(to)));
    assertEquals(
        path(to).normalize(), path(from).resolve(path(from).relativize(path(to))).normalize());
  }

  @Test
  void relativize_ofDifferentKinds_isRefused() {
    assertThrows(IllegalArgumentException.class, () -> path("/a").relativize(path("a")));
    assertThrows(IllegalArgumentException.class, () -> path("..").relativize(path("a")));
  }

  @Test
  void startsAndEndsWith_goByNames() {
    assertTrue(path("/a/bc").startsWith("/a"));
    assertFalse(path("/a/bc").startsWith("/a/b"));
    assertFalse(path("/a/bc").startsWith("a"));
    assertTrue(path("/a/bc").startsWith("/"));
    assertTrue(path("/a/bc").endsWith("bc"));
    assertFalse(path("/a/bc").endsWith("c"));
    assertTrue(path("/a/bc").endsWith("/a/bc"));
    assertFalse(path("/x/a/bc").endsWith("/a/bc"));
    assertFalse(path("/a").startsWith(Path.of("/a")));
  }

  @Test
  void compare_isByBytes() {
    assertTrue(path("a").compareTo(path("b")) < 0);
    assertTrue(path("a").compareTo(path("a/b")) < 0);
    assertEquals(0, path("a").compareTo(path("a")));
    assertEquals(path("a").hashCode(), path("a").hashCode());
    assertNotEquals(path("a"), path("/a"));
  }

  @Test
  void paths_ofAnotherProvider_areRefused() {
    Path other = Path.of("x");
    assertThrows(ProviderMismatchException.class, () -> path("/a").resolve(other));
    assertThrows(ProviderMismatchException.class, () -> path("/a").relativize(other));
    assertThrows(
        ProviderMismatchException.class,
        () -> files.provider().newDirectoryStream(other, p -> true));
  }

  @Test
  void register_isNotSupported() {
    assertThrows(UnsupportedOperationException.class, () -> files.newWatchService());
  }

  // Matchers.

  @ParameterizedTest
  @CsvSource({
    "glob:*.jar, a.jar, true",
    "glob:*.jar, d/a.jar, false",
    "glob:**.jar, d/a.jar, true",
    "glob:/usr/*/tool?, /usr/bin/tool2, true",
    "'glob:*.{jar,war}', a.war, true",
    "glob:[a-c]x, bx, true",
    "glob:[!a-c]x, bx, false",
    "glob:[-a]x, -x, true",
    "glob:a[]]b, a]b, true",
    "glob:\\*, *, true",
    "glob:a.b, axb, false",
    "glob:a?b, a/b, false",
    "glob:a[!x]b, a/b, false",
    "regex:.*/t(ool|est), /bin/tool, true",
    "GLOB:x, x, true",
  })
  void matcher_matches(String pattern, String path, boolean expected) {
    PathMatcher matcher = files.getPathMatcher(pattern);
    assertEquals(expected, matcher.matches(path(path)));
  }

  @Test
  void matcher_bad_isRefused() {
    assertThrows(IllegalArgumentException.class, () -> files.getPathMatcher("x"));
    assertThrows(UnsupportedOperationException.class, () -> files.getPathMatcher("sql:x"));
    for (String bad : List.of("glob:{a", "glob:[a", "glob:{a,{b}}", "glob:a\\", "regex:(")) {
      assertThrows(IllegalArgumentException.class, () -> files.getPathMatcher(bad), bad);
    }
  }

  // The file system.

  @Test
  void fileStore_isReadOnly() throws IOException {
    FileStore store = Files.getFileStore(path("/"));
    assertTrue(store.isReadOnly());
    assertEquals("layerstore", store.type());
    assertTrue(store.supportsFileAttributeView("layer"));
    assertTrue(store.supportsFileAttributeView(PosixFileAttributeView.class));
    assertFalse(store.supportsFileAttributeView("dos"));
    assertTrue(store.getTotalSpace() >= LARGE.length);
    assertEquals(0, store.getUsableSpace());
    assertTrue(files.getFileStores().iterator().hasNext());
    assertEquals(
        Set.of("basic", "owner", "posix", "unix", "user", "layer"),
        files.supportedFileAttributeViews());
    assertEquals(path("/"), files.getRootDirectories().iterator().next());
    assertEquals("/", files.getSeparator());
  }

  @Test
  void uri_leadsBack() throws IOException {
    URI uri = path("/etc/os-release").toUri();
    assertEquals("layerstore", uri.getScheme());
    assertEquals("ID=test\n", Files.readString(Path.of(uri)));
    assertEquals(path("/a b!/%"), Path.of(path("/a b!/%").toUri()));
  }

  @Test
  void uri_ofClosedFileSystem_leadsNowhere() throws IOException {
    FileSystem own = open(List.of(base(), top()), ViewOptions.DEFAULT);
    URI uri = own.getPath("/etc").toUri();
    own.close();
    assertThrows(FileSystemNotFoundException.class, () -> Path.of(uri));
  }

  @Test
  @SuppressWarnings("StreamResourceLeak") // That they end with the file system is what is tested.
  void closed_refusesEverything() throws IOException {
    FileSystem own = open(List.of(base(), top()), ViewOptions.DEFAULT);
    Path file = own.getPath("/etc/os-release");
    InputStream in = Files.newInputStream(file);
    DirectoryStream<Path> entries = Files.newDirectoryStream(own.getPath("/"));
    Iterator<Path> iterator = entries.iterator();
    own.close();
    own.close();
    assertFalse(own.isOpen());
    assertThrows(ClosedFileSystemException.class, () -> Files.readString(file));
    assertThrows(ClosedFileSystemException.class, () -> Files.size(file));
    assertThrows(ClosedFileSystemException.class, () -> own.getPath("/"));
    assertThrows(ClosedFileSystemException.class, () -> own.getRootDirectories());
    assertThrows(ClosedFileSystemException.class, () -> own.getPathMatcher("glob:*"));
    assertThrows(ClosedFileSystemException.class, () -> in.read());
    assertThrows(ClosedFileSystemException.class, iterator::hasNext);
    assertThrows(ClosedFileSystemException.class, () -> Files.createDirectory(file));
  }

  @Test
  void directoryStream_isIteratedOnce() throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(path("/"))) {
      assertTrue(entries.iterator().hasNext());
      assertThrows(IllegalStateException.class, entries::iterator);
    }
    assertThrows(NotDirectoryException.class, () -> Files.newDirectoryStream(path("/empty")));
    assertThrows(NoSuchFileException.class, () -> Files.newDirectoryStream(path("/none")));
  }

  @Test
  void isHidden_goesByTheDot() throws IOException {
    assertTrue(Files.isHidden(path("/etc/.hidden")));
    assertFalse(Files.isHidden(path("/etc")));
    assertFalse(Files.isHidden(path("/")));
  }
}
