package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.LayerStoreException;
import io.layerstore.RegistryCredentials;
import io.layerstore.RegistryOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Credentials in every form in which people have them. */
final class CredentialStoreTest {

  private static final String SECRET = "secret-nobody-sees";
  private static final String HOST = "registry.example.com:5000";

  @TempDir private Path directory;
  private final Map<String, String> environment = new HashMap<>();

  @BeforeEach
  void prepare() {
    environment.put("HOME", directory.toString());
    environment.put("PATH", directory.resolve("bin").toString() + ":/usr/bin:/bin");
  }

  private static String auth(String user, String password) {
    return Base64.getEncoder().encodeToString((user + ":" + password).getBytes(UTF_8));
  }

  private void write(String file, String content) throws IOException {
    Path path = directory.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, content);
  }

  private RegistryOptions options() {
    return RegistryOptions.builder().environment(environment).build();
  }

  private String find(String host, String repository) throws LayerStoreException {
    RegistryCredentials found = new CredentialStore(host, options()).find(host, repository);
    return found.isAnonymous()
        ? "nobody"
        : (found.isIdentityToken() ? "token" : found.username()) + "/" + found.secret();
  }

  /** A program that keeps credentials in a file, and its arguments and input in others. */
  private void helper(String name) throws IOException {
    write(
        "bin/docker-credential-" + name,
        """
        #!/bin/sh
        echo "$*" >> '%1$s/arguments'
        case $1 in
          get) read server
            [ -f '%1$s/kept' ] && cat '%1$s/kept' && exit 0
            echo 'credentials not found in native keychain'; exit 1;;
          store) cat > '%1$s/kept';;
          erase) rm -f '%1$s/kept';;
        esac
        """
            .formatted(directory));
    Files.setPosixFilePermissions(
        directory.resolve("bin/docker-credential-" + name),
        PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @Test
  void find_noFiles_isNobody() throws Exception {
    assertEquals("nobody", find(HOST, "a/b"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "registry.example.com:5000",
        "https://registry.example.com:5000",
        "https://registry.example.com:5000/v1/",
        "http://registry.example.com:5000/v2/"
      })
  void find_keyInAnyForm_isFound(String key) throws Exception {
    write(
        ".docker/config.json",
        "{\"auths\":{\"" + key + "\":{\"auth\":\"" + auth("me", SECRET) + "\"}}}");
    assertEquals("me/" + SECRET, find(HOST, "a/b"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://index.docker.io/v1/",
        "index.docker.io",
        "docker.io",
        "registry-1.docker.io"
      })
  void find_dockersOwnRegistry_hasSeveralNames(String key) throws Exception {
    write(
        ".docker/config.json",
        "{\"auths\":{\"" + key + "\":{\"auth\":\"" + auth("me", SECRET) + "\"}}}");
    assertEquals("me/" + SECRET, find("docker.io", "library/debian"));
  }

  @Test
  void find_otherRegistry_isNobody() throws Exception {
    write(
        ".docker/config.json",
        "{\"auths\":{\"example.com\":{\"auth\":\"" + auth("me", SECRET) + "\"}}}");
    assertEquals("nobody", find("registry.example.com", "a/b"));
  }

  @Test
  void find_userAndPassword_isFound() throws Exception {
    write(
        ".docker/config.json",
        "{\"auths\":{\"" + HOST + "\":{\"username\":\"me\",\"password\":\"" + SECRET + "\"}}}");
    assertEquals("me/" + SECRET, find(HOST, "a/b"));
  }

  @Test
  void find_passwordWithColonsAndPadding_isWhole() throws Exception {
    write(
        ".docker/config.json",
        "{\"auths\":{\"" + HOST + "\":{\"auth\":\"" + auth("me", "a:b:c\0\0") + "\"}}}");
    assertEquals("me/a:b:c", find(HOST, "a/b"));
  }

  @Test
  void find_identityToken_winsOverThePassword() throws Exception {
    write(
        ".docker/config.json",
        "{\"auths\":{\""
            + HOST
            + "\":{\"auth\":\""
            + auth("me", "other")
            + "\",\"identitytoken\":\""
            + SECRET
            + "\"}}}");
    assertEquals("token/" + SECRET, find(HOST, "a/b"));
  }

  @Test
  void find_nameSpaces_takesTheLongestThatFits() throws Exception {
    write(
        ".config/containers/auth.json",
        "{\"auths\":{\""
            + HOST
            + "\":{\"auth\":\""
            + auth("all", "1")
            + "\"},\""
            + HOST
            + "/team\":{\"auth\":\""
            + auth("team", "2")
            + "\"},\""
            + HOST
            + "/team/tool\":{\"auth\":\""
            + auth("tool", "3")
            + "\"}}}");
    assertEquals("tool/3", find(HOST, "team/tool"));
    assertEquals("team/2", find(HOST, "team/tools"));
    assertEquals("all/1", find(HOST, "other"));
  }

  @Test
  void find_registryAuthFile_isAskedAlone() throws Exception {
    write(
        ".docker/config.json",
        "{\"auths\":{\"" + HOST + "\":{\"auth\":\"" + auth("me", SECRET) + "\"}}}");
    write("other.json", "{}");
    environment.put("REGISTRY_AUTH_FILE", directory.resolve("other.json").toString());
    assertEquals("nobody", find(HOST, "a/b"));
  }

  @Test
  void find_oldFile_isFound() throws Exception {
    write(".dockercfg", "{\"" + HOST + "\":{\"auth\":\"" + auth("me", SECRET) + "\"}}");
    assertEquals("me/" + SECRET, find(HOST, "a/b"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"credsStore\":\"test\"}",
        "{\"credHelpers\":{\"registry.example.com:5000\":\"test\"}}",
        "{\"credHelpers\":{\"registry.example.com:5000\":\"test\"},\"credsStore\":\"missing\"}"
      })
  void find_helper_isAsked(String config) throws Exception {
    helper("test");
    write(".docker/config.json", config);
    write("kept", "{\"ServerURL\":\"x\",\"Username\":\"me\",\"Secret\":\"" + SECRET + "\"}");
    assertEquals("me/" + SECRET, find(HOST, "a/b"));
    assertEquals("get\n", Files.readString(directory.resolve("arguments")));
  }

  @Test
  void find_helperWithToken_isAToken() throws Exception {
    helper("test");
    write(".docker/config.json", "{\"credsStore\":\"test\"}");
    write("kept", "{\"ServerURL\":\"x\",\"Username\":\"<token>\",\"Secret\":\"" + SECRET + "\"}");
    assertEquals("token/" + SECRET, find(HOST, "a/b"));
  }

  @Test
  void find_helperHasNothing_isNobody() throws Exception {
    helper("test");
    write(".docker/config.json", "{\"credsStore\":\"test\"}");
    assertEquals("nobody", find(HOST, "a/b"));
  }

  @Test
  void find_helperThatIsNotThere_isNamed() throws Exception {
    write(".docker/config.json", "{\"credsStore\":\"absent\"}");
    LayerStoreException e = assertThrows(LayerStoreException.class, () -> find(HOST, "a/b"));
    assertTrue(e.getMessage().contains("docker-credential-absent"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"auths\":{\"registry.example.com:5000\":{\"auth\":\"secret-nobody-sees\"}}}",
        "{\"auths\":{\"registry.example.com:5000\":{\"auth\":\"secret!nobody?sees\"}}",
        "secret-nobody-sees",
        "{\"credsStore\":\"../secret-nobody-sees\"}"
      })
  void find_damagedFile_isNamedWithoutWhatIsInIt(String content) throws Exception {
    write(".docker/config.json", content);
    Throwable e = assertThrows(LayerStoreException.class, () -> find(HOST, "a/b"));
    List<String> said = new ArrayList<>();
    for (; e != null; e = e.getCause()) {
      said.add(e.toString());
    }
    assertFalse(said.toString().contains("secret"), said::toString);
  }

  @Test
  void store_newFile_isTheOwnersAlone() throws Exception {
    LoginFile.of(environment).store(HOST, RegistryCredentials.of("me", SECRET));
    assertEquals(
        "rw-------",
        PosixFilePermissions.toString(
            Files.getPosixFilePermissions(directory.resolve(".docker/config.json"))));
    assertEquals("me/" + SECRET, find(HOST, "a/b"));
  }

  @Test
  void store_fileWithOtherThings_keepsThem() throws Exception {
    write(
        ".docker/config.json",
        "{\"detachKeys\":\"ctrl-e\",\"auths\":{\"https://registry.example.com:5000\":{\"auth\":\"eDp5\"},"
            + "\"other.example.com\":{\"auth\":\"eDp5\"}},\"experimental\":true,\"n\":[1,2.5,null]}");
    LoginFile.of(environment).store(HOST, RegistryCredentials.of("me", SECRET));
    String text = Files.readString(directory.resolve(".docker/config.json")).replaceAll("\\s", "");
    assertTrue(text.contains("\"detachKeys\":\"ctrl-e\""), text);
    assertTrue(text.contains("\"experimental\":true"), text);
    assertTrue(text.contains("\"n\":[1,2.5,null]"), text);
    assertTrue(text.contains("\"other.example.com\""), text);
    assertEquals("me/" + SECRET, find(HOST, "a/b"));
    assertEquals("x/y", find("other.example.com", "a"));
  }

  @Test
  void store_helper_getsItThroughItsInput() throws Exception {
    helper("test");
    write(".docker/config.json", "{\"credsStore\":\"test\"}");
    LoginFile.of(environment).store(HOST, RegistryCredentials.of("me", SECRET));
    assertTrue(Files.readString(directory.resolve("kept")).contains(SECRET));
    assertEquals("store\n", Files.readString(directory.resolve("arguments")));
    assertFalse(Files.readString(directory.resolve(".docker/config.json")).contains(SECRET));
  }

  @Test
  void erase_loggedIn_forgets() throws Exception {
    LoginFile.of(environment).store(HOST, RegistryCredentials.of("me", SECRET));
    assertTrue(LoginFile.of(environment).erase(HOST));
    assertFalse(LoginFile.of(environment).erase(HOST));
    assertEquals("nobody", find(HOST, "a/b"));
  }

  @Test
  void toString_ofCredentials_hasNoSecret() {
    assertFalse(RegistryCredentials.of("me", SECRET).toString().contains(SECRET));
    assertFalse(RegistryCredentials.ofIdentityToken(SECRET).toString().contains(SECRET));
  }
}
