package io.layerstore.core;

import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.core.image.DefaultImageStore;
import io.layerstore.core.state.DataRoot;
import io.layerstore.driver.TemporaryDirectory;
import io.layerstore.driver.TreeDeleter;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes the temporary files that a process which is gone has left outside the layer database and
 * the driver's home, which look after their own.
 *
 * <pre>
 * ROOT/.layerstore-probe*, ROOT/check-overlayfs-support*    what choosing a driver tries out
 * ROOT/tmp/layerstore-*                                     what one operation needs a file for
 * image/DRIVER, imagedb, distribution: .tmp-*               files before they get their names
 * image/DRIVER/layerstore-manifests/*                       the manifests of images that are gone
 * image/DRIVER/layerstore-partial/*                         what has come of blobs in pulls that failed
 * </pre>
 *
 * <p>They say nothing, so only what cannot be deleted is reported.
 */
final class TemporaryLeftovers {

  private static final Logger log = LoggerFactory.getLogger(TemporaryLeftovers.class);

  private final Path root;
  private final DefaultImageStore images;

  TemporaryLeftovers(Path root, DefaultImageStore images) {
    this.root = root;
    this.images = images;
  }

  /** A place, and how to empty it. */
  @FunctionalInterface
  private interface Sweep {
    List<String> run() throws IOException;
  }

  /**
   * Deletes all but the blobs, while nobody else has the root; adds what cannot be deleted to
   * {@code findings}.
   */
  void delete(List<Finding> findings) {
    Path temporary = DataRoot.temporaryDirectory(root);
    run(root, this::deleteProbes, findings);
    run(temporary, () -> TemporaryDirectory.sweep(temporary), findings);
    run(images.directory(), images::deleteTemporaryFiles, findings);
  }

  /**
   * Deletes what has come of blobs, also while others have the root; adds what cannot be deleted to
   * {@code findings}.
   *
   * @param all whether also what a later pull could go on with, and is not too old for that
   */
  void deletePartialBlobs(List<Finding> findings, boolean all) {
    run(images.directory(), () -> images.deletePartialBlobs(all), findings);
  }

  private static void run(Path place, Sweep sweep, List<Finding> findings) {
    try {
      List<String> swept = sweep.run();
      if (!swept.isEmpty()) {
        log.debug("deleted temporary files of a process that is gone in {}: {}", place, swept);
      }
    } catch (IOException e) {
      findings.add(
          new Finding(
              Kind.POSTPONED,
              place.toString(),
              "temporary files of an unfinished operation could not be deleted and will be tried"
                  + " again at the next cleanup or open: "
                  + e.getMessage()));
    }
  }

  private List<String> deleteProbes() throws IOException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(root)) {
      for (Path entry : entries) {
        String name = String.valueOf(entry.getFileName());
        if (DataRoot.isProbe(name) && Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
          TreeDeleter.delete(entry);
          names.add(name);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return names;
  }
}
