package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.LayerStoreException;
import io.layerstore.RegistryCredentials;
import io.layerstore.RegistryOptions;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Credentials where people have them.
 *
 * <pre>
 * $REGISTRY_AUTH_FILE                          if set, this one alone
 * $XDG_RUNTIME_DIR/containers/auth.json        podman, buildah, skopeo
 * ~/.config/containers/auth.json               the same ($XDG_CONFIG_HOME)
 * ~/.docker/config.json                        Docker ($DOCKER_CONFIG)
 * ~/.dockercfg                                 Docker before 1.7
 *
 * {"auths": {REGISTRY[/NAMESPACE...]: {"auth": base64 of USER:PASSWORD, "identitytoken": ...}},
 *  "credHelpers": {REGISTRY: HELPER}, "credsStore": HELPER}
 * </pre>
 *
 * <p>The first file that has something for a registry counts; in it a helper for the registry, then
 * the entry, then the helper for all. Immutable.
 */
final class CredentialStore {

  /** What Docker calls its own registry in these files. */
  static final String DOCKER_SERVER = "https://index.docker.io/v1/";

  private static final List<String> DOCKER_NAMES =
      List.of("docker.io", "index.docker.io", "registry-1.docker.io");

  private static final int MAX_BYTES = 8 << 20;

  private final String registry;
  private final RegistryOptions options;

  /**
   * @param registry the registry that credentials in the options are for
   */
  CredentialStore(String registry, RegistryOptions options) {
    this.registry = registry;
    this.options = options;
  }

  /** The credentials for a registry and a repository of it; anonymous if there are none. */
  RegistryCredentials find(String key, String repository) throws LayerStoreException {
    Optional<RegistryCredentials> given = options.credentials();
    if (given.isPresent()) {
      return key.equals(registry) ? given.get() : RegistryCredentials.ANONYMOUS;
    }
    for (Path file : files(options.environment())) {
      RegistryCredentials found = find(file, key, repository);
      if (found != null) {
        return found;
      }
    }
    return RegistryCredentials.ANONYMOUS;
  }

  private @Nullable RegistryCredentials find(Path file, String key, String repository)
      throws LayerStoreException {
    Json json = read(file);
    if (!json.isPresent()) {
      return null;
    }
    String own = helperFor(json, key);
    if (own != null) {
      return new CredentialHelper(own, options.environment()).get(server(key)).orElse(null);
    }
    Json auths = String.valueOf(file.getFileName()).equals(".dockercfg") ? json : json.get("auths");
    RegistryCredentials found = entry(file, auths, key, repository);
    String all = json.text("credsStore");
    if (found == null && !all.isEmpty()) {
      return new CredentialHelper(all, options.environment()).get(server(key)).orElse(null);
    }
    return found;
  }

  /** The helper for one registry; null if there is none. */
  static @Nullable String helperFor(Json file, String key) {
    for (Map.Entry<String, Json> helper : file.get("credHelpers").members().entrySet()) {
      if (isSame(normalised(helper.getKey()), key) && !helper.getValue().text().isEmpty()) {
        return helper.getValue().text();
      }
    }
    return null;
  }

  /** The entry that says most about a repository. */
  private static @Nullable RegistryCredentials entry(
      Path file, Json auths, String key, String repository) throws LayerStoreException {
    Json best = null;
    int length = -1;
    for (Map.Entry<String, Json> entry : auths.members().entrySet()) {
      String name = normalised(entry.getKey());
      int slash = name.indexOf('/');
      String host = slash < 0 ? name : name.substring(0, slash);
      String nameSpace = slash < 0 ? "" : name.substring(slash + 1);
      boolean fits =
          isSame(host, key)
              && (nameSpace.isEmpty()
                  || repository.equals(nameSpace)
                  || repository.startsWith(nameSpace + "/"));
      if (fits && nameSpace.length() > length) {
        best = entry.getValue();
        length = nameSpace.length();
      }
    }
    return best == null ? null : credentials(file, key, best);
  }

  private static @Nullable RegistryCredentials credentials(Path file, String key, Json entry)
      throws LayerStoreException {
    if (!entry.text("identitytoken").isEmpty()) {
      return RegistryCredentials.ofIdentityToken(entry.text("identitytoken"));
    }
    String user = entry.text("username");
    String password = entry.text("password");
    String auth = entry.text("auth");
    if (!auth.isEmpty()) {
      String decoded;
      try {
        decoded = new String(Base64.getMimeDecoder().decode(auth), UTF_8);
      } catch (IllegalArgumentException e) {
        throw damaged(file, key);
      }
      int colon = decoded.indexOf(':');
      if (colon <= 0) {
        throw damaged(file, key);
      }
      user = decoded.substring(0, colon);
      // Docker pads with zero bytes.
      password = decoded.substring(colon + 1).replaceFirst("\0+$", "");
    }
    try {
      return user.isEmpty() ? null : RegistryCredentials.of(user, password);
    } catch (IllegalArgumentException e) {
      throw damaged(file, key);
    }
  }

  private static LayerStoreException damaged(Path file, String key) {
    return new LayerStoreException(
        "the credentials for " + key + " in " + file + " are not of the form; log in again");
  }

  /** A file with credentials; empty if it is not there or not ours to read. */
  static Json read(Path file) throws LayerStoreException {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new LayerStoreException(file + " is too large for a file with credentials");
      }
      byte[] bytes = Files.readAllBytes(file);
      return bytes.length == 0 ? Json.object() : Json.parse(bytes);
    } catch (NoSuchFileException | NotDirectoryException | AccessDeniedException e) {
      return Json.parseOrEmpty(new byte[0]);
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw new LayerStoreException(
          "credentials cannot be read from " + file + ": " + e.getMessage() + "; mend the file", e);
    }
  }

  /** The files that may have credentials, in the order in which they count. */
  static List<Path> files(Map<String, String> environment) {
    String named = environment.getOrDefault("REGISTRY_AUTH_FILE", "");
    if (!named.isEmpty()) {
      return List.of(Path.of(named));
    }
    List<Path> files = new ArrayList<>();
    String runtime = environment.getOrDefault("XDG_RUNTIME_DIR", "");
    if (!runtime.isEmpty()) {
      files.add(Path.of(runtime, "containers", "auth.json"));
    }
    Path home = home(environment);
    String config = environment.getOrDefault("XDG_CONFIG_HOME", "");
    if (!config.isEmpty()) {
      files.add(Path.of(config, "containers", "auth.json"));
    } else if (home != null) {
      files.add(home.resolve(".config/containers/auth.json"));
    }
    dockerConfig(environment).ifPresent(files::add);
    if (home != null) {
      files.add(home.resolve(".dockercfg"));
    }
    return files;
  }

  /** Docker's file, whether it is there or not; empty where there is no home directory. */
  static Optional<Path> dockerConfig(Map<String, String> environment) {
    String docker = environment.getOrDefault("DOCKER_CONFIG", "");
    Path home = home(environment);
    Path directory =
        !docker.isEmpty() ? Path.of(docker) : home == null ? null : home.resolve(".docker");
    return Optional.ofNullable(directory).map(path -> path.resolve("config.json"));
  }

  static @Nullable Path home(Map<String, String> environment) {
    String home = environment.getOrDefault("HOME", "");
    return home.isEmpty() ? null : Path.of(home);
  }

  /** What helpers and Docker's file call a registry. */
  static String server(String key) {
    return DOCKER_NAMES.contains(key) ? DOCKER_SERVER : key;
  }

  /** A key of these files without scheme and the path of an API. */
  static String normalised(String key) {
    return key.replaceFirst("^https?://", "").replaceFirst("/v[12]/?$", "").replaceFirst("/+$", "");
  }

  /** Whether two names are of one registry. */
  static boolean isSame(String one, String other) {
    return one.equals(other) || (DOCKER_NAMES.contains(one) && DOCKER_NAMES.contains(other));
  }
}
