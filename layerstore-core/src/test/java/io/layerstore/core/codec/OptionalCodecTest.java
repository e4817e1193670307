package io.layerstore.core.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException;
import io.layerstore.Limits;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What happens in an application that has not added the optional libraries. */
final class OptionalCodecTest {

  private static final byte[] PLAIN = {1, 2, 3};

  @ParameterizedTest
  @CsvSource({"XZ, xz, org.tukaani:xz", "ZSTD, zstd, com.github.luben:zstd-jni"})
  void open_libraryIsMissing_namesTheLibrary(
      CompressionFormat format, String name, String dependency) throws Exception {
    TestSource source = TestSource.of(Compress.with(format, PLAIN));

    Throwable thrown =
        assertThrows(InvocationTargetException.class, () -> openWithoutLibraries(source))
            .getCause();

    assertEquals(ArchiveException.class.getName(), thrown.getClass().getName());
    assertEquals(
        "UNSUPPORTED_COMPRESSION",
        String.valueOf(thrown.getClass().getMethod("kind").invoke(thrown)));
    assertEquals(Optional.of(dependency), thrown.getClass().getMethod("liftedBy").invoke(thrown));
    assertTrue(thrown.getMessage().contains(dependency), thrown.getMessage());
    assertTrue(thrown.getMessage().contains("with " + name + ","), thrown.getMessage());
  }

  @Test
  void openToCompress_libraryIsMissing_namesTheLibraryAndClosesTheSource() throws Exception {
    AtomicBoolean isClosed = new AtomicBoolean();
    InputStream source =
        new ByteArrayInputStream(PLAIN) {
          @Override
          public void close() {
            isClosed.set(true);
          }
        };
    ClassLoader loader = new HidingLoader();
    Class<?> format = loader.loadClass(CompressionFormat.class.getName());
    Method open =
        loader
            .loadClass(CompressedStream.class.getName())
            .getMethod("open", format, InputStream.class);
    Object zstd = format.getField("ZSTD").get(null);

    Throwable thrown =
        assertThrows(InvocationTargetException.class, () -> open.invoke(null, zstd, source))
            .getCause();

    assertEquals(ArchiveException.class.getName(), thrown.getClass().getName());
    assertTrue(thrown.getMessage().contains("com.github.luben:zstd-jni"), thrown.getMessage());
    assertTrue(isClosed.get());
  }

  @ParameterizedTest
  @EnumSource(names = {"NONE", "GZIP", "BZIP2"})
  void open_libraryIsNotNeeded_works(CompressionFormat format) throws Exception {
    TestSource source = TestSource.of(Compress.with(format, PLAIN));

    assertArrayEquals(PLAIN, openWithoutLibraries(source).readAllBytes());
  }

  @Test
  void hidingLoader_definesTheClassesUnderTest() throws Exception {
    ClassLoader loader = new HidingLoader();

    assertEquals(loader, loader.loadClass(Decompression.class.getName()).getClassLoader());
  }

  private static InputStream openWithoutLibraries(InputStream source)
      throws ReflectiveOperationException {
    ClassLoader loader = new HidingLoader();
    Class<?> limits = loader.loadClass(Limits.class.getName());
    return (InputStream)
        loader
            .loadClass(Decompression.class.getName())
            .getMethod("open", InputStream.class, limits)
            .invoke(null, source, limits.getField("DEFAULT").get(null));
  }

  /**
   * Defines our classes anew, so that they look for the libraries here, and does not find these.
   */
  private static final class HidingLoader extends ClassLoader {

    HidingLoader() {
      super(OptionalCodecTest.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (name.startsWith("org.tukaani.") || name.startsWith("com.github.luben.")) {
        throw new ClassNotFoundException(name);
      }
      if (!name.startsWith("io.layerstore.")) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> loaded = findLoadedClass(name);
        return loaded != null ? loaded : define(name);
      }
    }

    private Class<?> define(String name) throws ClassNotFoundException {
      try (InputStream bytes = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
        if (bytes == null) {
          throw new ClassNotFoundException(name);
        }
        byte[] definition = bytes.readAllBytes();
        return defineClass(name, definition, 0, definition.length);
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }
  }
}
