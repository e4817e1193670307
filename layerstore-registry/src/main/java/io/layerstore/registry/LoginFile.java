package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.LayerStoreException;
import io.layerstore.RegistryCredentials;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.Map;

/**
 * Where a login is kept: the helper that the file names, or else the file itself, which only its
 * owner may read. All else in the file stays as it is.
 */
final class LoginFile {

  private final Path file;
  private final Map<String, String> environment;

  private LoginFile(Path file, Map<String, String> environment) {
    this.file = file;
    this.environment = environment;
  }

  /** The file that logins are written to: {@code REGISTRY_AUTH_FILE}, or else Docker's. */
  static LoginFile of(Map<String, String> environment) throws LayerStoreException {
    String named = environment.getOrDefault("REGISTRY_AUTH_FILE", "");
    if (!named.isEmpty()) {
      return new LoginFile(Path.of(named), environment);
    }
    return new LoginFile(
        CredentialStore.dockerConfig(environment)
            .orElseThrow(
                () ->
                    new LayerStoreException(
                        "there is no home directory to keep a login in; set DOCKER_CONFIG")),
        environment);
  }

  /** Keeps credentials; says where. */
  String store(String registry, RegistryCredentials credentials) throws LayerStoreException {
    Json json = CredentialStore.read(file);
    String server = CredentialStore.server(registry);
    String helper = helper(json, registry);
    if (!helper.isEmpty()) {
      CredentialHelper program = new CredentialHelper(helper, environment);
      program.store(server, credentials);
      return program.program();
    }
    Json entry = Json.object();
    if (credentials.isIdentityToken()) {
      entry = entry.with("identitytoken", credentials.secret());
    } else {
      String pair = credentials.username() + ":" + credentials.secret();
      entry = entry.with("auth", Base64.getEncoder().encodeToString(pair.getBytes(UTF_8)));
    }
    write(json.with("auths", without(json.get("auths"), registry).with(server, entry)));
    return file.toString();
  }

  /** Forgets credentials; says whether there were any. */
  boolean erase(String registry) throws LayerStoreException {
    Json json = CredentialStore.read(file);
    String helper = helper(json, registry);
    boolean isFound = false;
    if (!helper.isEmpty()) {
      CredentialHelper program = new CredentialHelper(helper, environment);
      String server = CredentialStore.server(registry);
      isFound = program.get(server).isPresent();
      program.erase(server);
    }
    Json auths = json.get("auths");
    Json left = without(auths, registry);
    if (left.members().size() != auths.members().size()) {
      write(json.with("auths", left));
      isFound = true;
    }
    return isFound;
  }

  private static String helper(Json json, String registry) {
    String own = CredentialStore.helperFor(json, registry);
    return own != null ? own : json.text("credsStore");
  }

  private static Json without(Json auths, String registry) {
    Json left = auths;
    for (String key : auths.members().keySet()) {
      if (CredentialStore.isSame(CredentialStore.normalised(key), registry)) {
        left = left.without(key);
      }
    }
    return left;
  }

  private void write(Json json) throws LayerStoreException {
    try {
      Path target = Files.exists(file) ? file.toRealPath() : file.toAbsolutePath();
      Path directory = target.getParent();
      if (directory == null) {
        throw new IOException("it is no file");
      }
      if (!Files.isDirectory(directory)) {
        Files.createDirectories(directory);
        if (directory.getFileSystem().supportedFileAttributeViews().contains("posix")) {
          Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        }
      }
      // Made with mode 0600, in the directory that the file is in.
      Path temporary = Files.createTempFile(directory, ".config", ".json");
      try {
        Files.write(temporary, json.toBytes());
        move(temporary, target);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new LayerStoreException(
          "the login cannot be written to " + file + ": " + e.getMessage(), e);
    }
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      if (Files.isDirectory(to, LinkOption.NOFOLLOW_LINKS)) {
        throw e;
      }
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
