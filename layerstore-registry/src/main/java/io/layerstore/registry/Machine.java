package io.layerstore.registry;

import io.layerstore.ImageReference;
import io.layerstore.LayerStoreException;
import io.layerstore.RegistryException;
import io.layerstore.RegistryException.Kind;
import io.layerstore.RegistryOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How this machine is set up for registries.
 *
 * <pre>
 * $CONTAINERS_REGISTRIES_CONF, else ~/.config/containers/registries.conf, else /etc/containers/registries.conf
 * and registries.conf.d/*.conf      mirrors, other locations, insecure and blocked registries
 * /etc/docker/daemon.json           "registry-mirrors" of docker.io, "insecure-registries"
 * certs.d/HOST[:PORT]/              in /etc/containers, /etc/docker and ~/.config/containers
 * </pre>
 *
 * <p>Which registry a name without one means is not looked up: it is docker.io. Immutable.
 *
 * @see <a
 *     href="https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md">containers-registries.conf(5)</a>
 */
final class Machine {

  private static final String REGISTRIES_CONF = "containers/registries.conf";
  private static final String TRUE = "true";

  private final RegistryOptions options;
  private final List<Rule> rules = new ArrayList<>();
  private final List<URI> dockerMirrors = new ArrayList<>();
  private final Set<String> insecure = new HashSet<>();
  private final Set<String> blocked = new HashSet<>();

  /** An entry of {@code registries.conf}. */
  private record Rule(String prefix, Json json) {

    String location() {
      String location = json.text("location");
      return location.isEmpty() ? prefix : location;
    }

    boolean is(String name) {
      return json.text(name).equals(TRUE);
    }

    /** What of a repository's name is after the prefix; null if it does not have it. */
    @Nullable String rest(String name) {
      if (prefix.startsWith("*.")) {
        int slash = name.indexOf('/');
        return name.substring(0, slash).endsWith(prefix.substring(1))
            ? name.substring(slash)
            : null;
      }
      return name.equals(prefix) || name.startsWith(prefix + "/")
          ? name.substring(prefix.length())
          : null;
    }
  }

  private Machine(RegistryOptions options) {
    this.options = options;
  }

  /**
   * Reads the files.
   *
   * @throws LayerStoreException if one is there and cannot be understood
   */
  static Machine of(RegistryOptions options) throws LayerStoreException {
    Machine machine = new Machine(options);
    machine.insecure.addAll(options.insecure());
    for (Path file : machine.files()) {
      machine.readRegistries(file);
    }
    machine.readDaemon(options.systemDirectory().resolve("docker/daemon.json"));
    return machine;
  }

  private @Nullable Path userDirectory() {
    String config = options.environment().getOrDefault("XDG_CONFIG_HOME", "");
    Path home = CredentialStore.home(options.environment());
    return !config.isEmpty() ? Path.of(config) : home == null ? null : home.resolve(".config");
  }

  private List<Path> files() throws LayerStoreException {
    String named = options.environment().getOrDefault("CONTAINERS_REGISTRIES_CONF", "");
    if (!named.isEmpty()) {
      return List.of(Path.of(named));
    }
    Path user = userDirectory();
    Path system = options.systemDirectory();
    List<Path> files = new ArrayList<>();
    Path own = user == null ? null : user.resolve(REGISTRIES_CONF);
    files.add(own != null && Files.exists(own) ? own : system.resolve(REGISTRIES_CONF));
    files.addAll(dropIns(system.resolve(REGISTRIES_CONF + ".d")));
    if (user != null) {
      files.addAll(dropIns(user.resolve(REGISTRIES_CONF + ".d")));
    }
    return files;
  }

  private static Set<Path> dropIns(Path directory) throws LayerStoreException {
    Set<Path> files = new TreeSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, "*.conf")) {
      entries.forEach(files::add);
    } catch (NoSuchFileException | NotDirectoryException | AccessDeniedException e) {
      return Set.of();
    } catch (IOException e) {
      throw new LayerStoreException("cannot list " + directory + ": " + e.getMessage(), e);
    }
    return files;
  }

  private static String text(Path file) throws LayerStoreException {
    try {
      return Files.readString(file);
    } catch (NoSuchFileException | NotDirectoryException | AccessDeniedException e) {
      return "";
    } catch (IOException e) {
      throw new LayerStoreException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  private void readRegistries(Path file) throws LayerStoreException {
    Json conf;
    try {
      conf = Toml.parse(text(file));
    } catch (IllegalArgumentException e) {
      throw new LayerStoreException(
          file + " cannot be understood: " + e.getMessage() + "; correct it", e);
    }
    for (Json registry : conf.get("registry").elements()) {
      String prefix = registry.text("prefix");
      rules.add(new Rule(prefix.isEmpty() ? registry.text("location") : prefix, registry));
    }
    // The form before 2020.
    Json old = conf.get("registries");
    old.get("insecure").get("registries").elements().forEach(host -> insecure.add(host.text()));
    old.get("block").get("registries").elements().forEach(host -> blocked.add(host.text()));
  }

  private void readDaemon(Path file) throws LayerStoreException {
    String text = text(file);
    if (text.isBlank()) {
      return;
    }
    Json json;
    try {
      json = Json.parse(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
      for (Json mirror : json.get("registry-mirrors").elements()) {
        dockerMirrors.add(
            URI.create(mirror.text().contains("://") ? mirror.text() : "https://" + mirror.text()));
      }
    } catch (IOException | IllegalArgumentException e) {
      throw new LayerStoreException(
          file + " cannot be understood: " + e.getMessage() + "; correct it", e);
    }
    json.get("insecure-registries").elements().forEach(host -> insecure.add(host.text()));
  }

  /** Whether a host may be talked to without proof of who it is. */
  boolean isInsecure(String host) {
    if (insecure.contains(host) || insecure.contains(host.replaceFirst(":[0-9]+$", ""))) {
      return true;
    }
    for (String entry : insecure) {
      if (entry.indexOf('/') > 0 && Cidr.contains(entry, host)) {
        return true;
      }
    }
    for (Rule rule : rules) {
      if (rule.is("insecure") && hostOf(rule.location()).equals(host)) {
        return true;
      }
      for (Json mirror : rule.json().get("mirror").elements()) {
        if (mirror.text("insecure").equals(TRUE) && hostOf(mirror.text("location")).equals(host)) {
          return true;
        }
      }
    }
    return false;
  }

  private static String hostOf(String location) {
    int slash = location.indexOf('/');
    return slash < 0 ? location : location.substring(0, slash);
  }

  /** Where the certificates for a host may be, in the order in which they count. */
  List<Path> certificateDirectories(String host) {
    List<Path> directories = new ArrayList<>();
    Path user = userDirectory();
    if (user != null) {
      directories.add(user.resolve("containers/certs.d").resolve(host));
    }
    directories.add(options.systemDirectory().resolve("containers/certs.d").resolve(host));
    directories.add(options.systemDirectory().resolve("docker/certs.d").resolve(host));
    return directories;
  }

  /**
   * Whom to ask for a repository, in this order.
   *
   * @param pulls whether to read only, for which mirrors will do
   * @throws RegistryException if it is blocked
   */
  List<Endpoint> endpoints(ImageReference reference, boolean pulls) throws LayerStoreException {
    String name = reference.canonicalRepository();
    Rule rule = null;
    for (Rule other : rules) {
      if (other.rest(name) != null
          && (rule == null || other.prefix().length() >= rule.prefix().length())) {
        rule = other;
      }
    }
    if (blocked.contains(reference.domain()) || (rule != null && rule.is("blocked"))) {
      throw new RegistryException(
          Kind.BLOCKED,
          reference.domain(),
          reference.toString(),
          reference + " is blocked by the configuration of this machine, registries.conf",
          null);
    }
    List<Endpoint> endpoints = new ArrayList<>();
    String path = name.substring(reference.domain().length() + 1);
    if (pulls) {
      options.mirrors().forEach(mirror -> endpoints.add(Endpoint.ofMirror(mirror, path)));
      if (rule != null) {
        addMirrors(reference, rule, String.valueOf(rule.rest(name)), endpoints);
      }
      if (reference.domain().equals(Endpoint.DOCKER_DOMAIN)) {
        dockerMirrors.forEach(mirror -> endpoints.add(Endpoint.ofMirror(mirror, path)));
      }
    }
    String place =
        rule == null || rule.json().text("location").isEmpty()
            ? name
            : rule.location() + rule.rest(name);
    endpoints.add(at(place, false));
    return endpoints;
  }

  private void addMirrors(
      ImageReference reference, Rule rule, String rest, List<Endpoint> endpoints) {
    boolean isDigest = reference.digest().isPresent();
    for (Json mirror : rule.json().get("mirror").elements()) {
      String only = mirror.text("pull-from-mirror");
      boolean fits =
          isDigest
              ? !only.equals("tag-only")
              : !only.equals("digest-only") && !rule.is("mirror-by-digest-only");
      if (fits && !mirror.text("location").isEmpty()) {
        endpoints.add(at(mirror.text("location") + rest, true));
      }
    }
  }

  private Endpoint at(String place, boolean isMirror) {
    int slash = place.indexOf('/');
    String host = place.substring(0, slash);
    Endpoint endpoint = Endpoint.of(host, place.substring(slash + 1), isInsecure(host));
    return isMirror
        ? new Endpoint(
            endpoint.host(),
            endpoint.path(),
            endpoint.repository(),
            endpoint.credentialKey(),
            endpoint.schemes(),
            true)
        : endpoint;
  }

  /**
   * Networks, as {@code insecure-registries} of Docker and {@code NO_PROXY} name them. Never asks a
   * name server.
   */
  static final class Cidr {

    private Cidr() {}

    /** Whether the address {@code host}, with or without a port, is in {@code network}. */
    static boolean contains(String network, String host) {
      String name = host.replaceFirst("(?<=[^:]):[0-9]+$", "").replaceAll("[\\[\\]]", "");
      int slash = network.indexOf('/');
      String prefix = network.substring(slash + 1);
      if (!isAddress(name)
          || !isAddress(network.substring(0, slash))
          || !prefix.matches("[0-9]{1,3}")) {
        return false;
      }
      try {
        byte[] address = InetAddress.getByName(name).getAddress();
        byte[] base = InetAddress.getByName(network.substring(0, slash)).getAddress();
        int bits = Integer.parseInt(prefix);
        if (address.length != base.length || bits > address.length * Byte.SIZE) {
          return false;
        }
        for (int i = 0; i < bits; i++) {
          int mask = 0x80 >> (i % Byte.SIZE);
          if (((address[i / Byte.SIZE] ^ base[i / Byte.SIZE]) & mask) != 0) {
            return false;
          }
        }
        return true;
      } catch (UnknownHostException e) {
        return false;
      }
    }

    private static boolean isAddress(String text) {
      return text.matches("[0-9]+(\\.[0-9]+){3}") || text.matches("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");
    }
  }
}
