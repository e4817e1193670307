package io.layerstore.core.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.DistributionMetadata;
import io.layerstore.Durability;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStoreException;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.json.GoStruct;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Member;
import io.layerstore.core.json.JsonValue.Null;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.DamagedFiles;
import io.layerstore.driver.FileFailures;
import io.layerstore.driver.KeyedLock;
import io.layerstore.driver.TemporaryFiles;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@code distribution} directory.
 *
 * <pre>
 * distribution  = diffid-by-digest/ALGORITHM/HEX         the diff ID of the layer whose compressed bytes have this digest
 *                 v2metadata-by-diffid/ALGORITHM/HEX     [{"Digest":D,"SourceRepository":S,"HMAC":H},...], oldest first
 * </pre>
 *
 * <p>It has mode 0700, the directories in it 0755, files 0644. Checked against moby v20.10.24,
 * {@code distribution/metadata}.
 */
@SuppressWarnings("try") // Calls are held by scope, not by name.
final class DistributionDirectory implements DistributionMetadata {

  private static final Logger log = LoggerFactory.getLogger(DistributionDirectory.class);

  private static final String BY_DIGEST = "diffid-by-digest";
  private static final String BY_DIFF_ID = "v2metadata-by-diffid";
  private static final int MAX_SOURCES = 50;
  private static final int MAX_VALUE_BYTES = 4096;
  private static final int MAX_SOURCES_BYTES = 1 << 20;
  private static final int ROOT_MODE = 0700;
  private static final int DIRECTORY_MODE = 0755;
  private static final int FILE_MODE = 0644;
  private static final String ADVICE = "remove it: it is a cache, and is written again when needed";
  private static final String HMAC = "HmacSHA256";
  private static final String LOCK = "distribution";

  private final LayerAccess access;
  private final Path directory;
  private final KeyedLock<String> writing;

  DistributionDirectory(LayerAccess access) {
    this.writing = access.newImageLock();
    this.access = access;
    this.directory = access.directory().resolve("distribution");
  }

  @Override
  public Optional<DiffId> diffId(Digest compressed) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      Path file = diffIdFile(compressed);
      byte @Nullable [] text = read(file, MAX_VALUE_BYTES);
      if (text == null) {
        return Optional.empty();
      }
      try {
        return Optional.of(DiffId.parse(new String(text, ISO_8859_1)));
      } catch (IllegalArgumentException e) {
        throw damaged(file, String.valueOf(e.getMessage()), e);
      }
    }
  }

  @Override
  public List<Source> sources(DiffId diffId) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      return readSources(diffId);
    }
  }

  private List<Source> readSources(DiffId diffId) throws LayerStoreException {
    Path file = sourcesFile(diffId);
    byte @Nullable [] document = read(file, MAX_SOURCES_BYTES);
    if (document == null) {
      return List.of();
    }
    try {
      return parse(JsonValue.parse(document));
    } catch (IOException | IllegalArgumentException e) {
      throw damaged(file, String.valueOf(e.getMessage()), e);
    }
  }

  private static List<Source> parse(JsonValue document) throws InvalidImageException {
    List<Source> sources = new ArrayList<>();
    if (document instanceof Array array) {
      for (JsonValue element : array.elements()) {
        GoStruct source = GoStruct.of("the place", element);
        sources.add(
            new Source(
                Digest.parse(source.text("Digest")),
                source.text("SourceRepository"),
                source.text("HMAC")));
      }
    } else if (!(document instanceof Null)) {
      throw new InvalidImageException("not a list of places");
    }
    return sources;
  }

  @Override
  public void add(DiffId diffId, Source source) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      try (KeyedLock.Held held = writing.acquire(LOCK)) {
        List<Source> sources = new ArrayList<>();
        try {
          sources.addAll(readSources(diffId));
        } catch (StoreCorruptedException e) {
          // What cannot be read is worth nothing in a cache; Docker replaces it, too.
          sources.clear();
        }
        sources.remove(source);
        sources.add(source);
        int surplus = Math.max(0, sources.size() - MAX_SOURCES);
        writeSources(diffId, sources.subList(surplus, sources.size()));
        write(diffIdFile(source.digest()), diffId.toString().getBytes(US_ASCII));
      }
    }
  }

  @Override
  public void remove(DiffId diffId, Source source) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      try (KeyedLock.Held held = writing.acquire(LOCK)) {
        List<Source> sources = new ArrayList<>(readSources(diffId));
        if (sources.remove(source)) {
          writeSources(diffId, sources);
        }
      }
    }
  }

  private void writeSources(DiffId diffId, List<Source> sources) throws LayerStoreException {
    List<JsonValue> elements = new ArrayList<>();
    for (Source source : sources) {
      elements.add(
          new Obj(
              List.of(
                  new Member("Digest", new Text(source.digest().toString())),
                  new Member("SourceRepository", new Text(source.sourceRepository())),
                  new Member("HMAC", new Text(source.hmac())))));
    }
    write(sourcesFile(diffId), new Array(elements).toBytes());
  }

  private void write(Path file, byte[] content) throws LayerStoreException {
    Durability durability = access.options().durability();
    Path parent = file.getParent();
    try {
      DamagedFiles.clearWay(access.directory(), parent == null ? directory : parent);
      AtomicFiles.createDirectories(directory, ROOT_MODE, durability);
      if (parent != null) {
        AtomicFiles.createDirectories(parent, DIRECTORY_MODE, durability);
      }
      AtomicFiles.write(file, content, FILE_MODE, durability);
    } catch (IOException e) {
      throw FileFailures.wrap("write " + file, e);
    }
  }

  private static byte @Nullable [] read(Path file, int maxBytes) throws LayerStoreException {
    try {
      return AtomicFiles.readIfExists(file, maxBytes);
    } catch (IOException e) {
      throw FileFailures.wrap("read " + file, e);
    }
  }

  private static StoreCorruptedException damaged(Path file, String problem, Exception cause) {
    return new StoreCorruptedException(file.toString(), problem, ADVICE, cause);
  }

  /** Deletes what a process that is gone has left of files it was writing; returns the names. */
  List<String> deleteTemporaryFiles() throws IOException {
    List<String> deleted = new ArrayList<>();
    for (String nameSpace : List.of(BY_DIGEST, BY_DIFF_ID)) {
      try (DirectoryStream<Path> algorithms =
          Files.newDirectoryStream(directory.resolve(nameSpace))) {
        for (Path algorithm : algorithms) {
          deleted.addAll(TemporaryFiles.sweep(algorithm));
        }
      } catch (NoSuchFileException | NotDirectoryException e) {
        log.trace("there is no {}", nameSpace);
      } catch (DirectoryIteratorException e) {
        throw e.getCause();
      }
    }
    return deleted;
  }

  private void requireWritable() throws ReadOnlyStoreException {
    if (access.options().readOnly()) {
      throw new ReadOnlyStoreException(access.options().root());
    }
  }

  private Path diffIdFile(Digest compressed) {
    return fileOf(BY_DIGEST, compressed);
  }

  private Path sourcesFile(DiffId diffId) {
    return fileOf(BY_DIFF_ID, diffId.digest());
  }

  private Path fileOf(String nameSpace, Digest digest) {
    return directory.resolve(nameSpace).resolve(digest.algorithm().id()).resolve(digest.hex());
  }

  @Override
  public String hmac(String credentialsJson, Digest digest, String sourceRepository) {
    String key = Digest.sha256Of(credentialsJson.getBytes(UTF_8)).toString();
    try {
      Mac mac = Mac.getInstance(HMAC);
      mac.init(new SecretKeySpec(key.getBytes(US_ASCII), HMAC));
      mac.update(digest.toString().getBytes(US_ASCII));
      return HexFormat.of().formatHex(mac.doFinal(sourceRepository.getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException | InvalidKeyException e) {
      throw new AssertionError("every Java platform has " + HMAC, e);
    }
  }
}
