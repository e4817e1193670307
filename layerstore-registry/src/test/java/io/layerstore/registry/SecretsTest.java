package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.RegistryCredentials;
import io.layerstore.RegistryOptions;
import io.layerstore.registry.FakeRegistry.Request;
import io.layerstore.spi.RegistryProvider.Access;
import io.layerstore.spi.RegistryRepository;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever is secret is in no log, error, text or argument, also when whoever is talked to says it
 * again.
 */
final class SecretsTest {

  private static final int SECRETS = 20;

  @TempDir private Path directory;

  private static String secret(int number) {
    return "secret-%02d-nobody-sees".formatted(number);
  }

  private static String basic(String user, int number) {
    return Base64.getEncoder().encodeToString((user + ":" + secret(number)).getBytes(UTF_8));
  }

  @Test
  void anyCall_withSecrets_showsNoneInAnyOutput() throws Exception {
    Tool.Result result =
        ChildJvm.run(
            List.of("-Dorg.slf4j.simpleLogger.defaultLogLevel=trace"),
            SecretsTest.class,
            directory);

    String output = result.out() + result.err() + Files.readString(directory.resolve("arguments"));
    for (int i = 1; i <= SECRETS; i++) {
      assertTrue(output.contains("== " + i + " was used"), "secret " + i + " was used");
      assertFalse(output.contains(secret(i)), secret(i) + " is in: " + output);
      assertFalse(output.contains(basic("me", i)), "it is encoded in: " + output);
    }
  }

  /** What is tried in a process of its own, whose output is looked at. */
  public static void main(String[] arguments) throws Exception {
    new Attempt(Path.of(arguments[0])).all();
  }

  /** One use of each secret after the other. */
  private static final class Attempt {
    private final Path directory;
    private final Map<String, String> environment = new HashMap<>();
    private RegistryOptions.Builder options;
    private FakeRegistry registry;
    private int number;
    private volatile boolean wasSeen;

    Attempt(Path directory) {
      this.directory = directory;
    }

    /** Something that uses a secret. */
    @FunctionalInterface
    private interface Use {
      void run() throws Exception;
    }

    void all() throws Exception {
      use(() -> explicit(RegistryCredentials.of("me", secret(number)), "Basic realm=\"r\""));
      use(() -> explicit(RegistryCredentials.of("me", secret(number)), bearer("")));
      use(() -> explicit(RegistryCredentials.ofIdentityToken(secret(number)), bearer("")));
      use(() -> token("{\"token\":\"" + secret(number) + "\"}"));
      use(() -> token("{\"access_token\":\"" + secret(number) + "\",\"refresh_token\":\"r\"}"));
      use(() -> config("\"auth\":\"" + basic("me", number) + "\"", "Basic realm=\"r\""));
      use(
          () ->
              config(
                  "\"username\":\"me\",\"password\":\"" + secret(number) + "\"",
                  "Basic realm=\"r\""));
      use(() -> config("\"identitytoken\":\"" + secret(number) + "\"", bearer("")));
      use(
          () -> {
            wasSeen = true;
            config("\"auth\":\"" + secret(number) + "\",,", "Basic realm=\"r\"");
          });
      use(
          () -> {
            environment.put("REGISTRY_AUTH_FILE", write("auth.json", auths(basic("me", number))));
            options.environment(environment);
            answerAll("Basic realm=\"r\"");
            manifest();
          });
      use(() -> helper("credsStore", "me", 0));
      use(() -> helper("credHelpers", "<token>", 0));
      use(() -> helper("credsStore", "me", 1));
      use(
          () -> {
            helperFile("me", 1);
            registry.misbehaveAlways(this::sees, (r, out) -> registry.answer(r, out));
            new HttpRegistryProvider()
                .login(
                    registry.address(),
                    RegistryCredentials.of("me", secret(number)),
                    options.build());
          });
      use(() -> redirect("http://" + registry.address() + "/other?signature=" + secret(number)));
      use(
          () -> {
            wasSeen = true;
            redirect("http://127.0.0.1:1/gone?signature=" + secret(number));
          });
      use(
          () -> {
            wasSeen = true;
            redirect("http://me:" + secret(number) + "@127.0.0.1:1/gone");
          });
      use(this::upload);
      use(this::proxy);
      use(() -> explicit(RegistryCredentials.of("me", "pass"), bearer("?key=" + secret(number))));
    }

    private void use(Use use) throws Exception {
      number++;
      wasSeen = false;
      environment.clear();
      environment.put("HOME", Files.createDirectories(directory.resolve("" + number)).toString());
      environment.put("PATH", directory.resolve(number + "/bin") + ":/usr/bin:/bin");
      try (FakeRegistry fake = FakeRegistry.start()) {
        registry = fake;
        options =
            RegistryOptions.builder()
                .environment(environment)
                .systemDirectory(directory.resolve("etc"))
                .retries(1)
                .retryDelay(Duration.ofMillis(1));
        try {
          use.run();
          System.out.println("nothing failed");
        } catch (IOException e) {
          e.printStackTrace(System.out);
        }
        System.out.println(options.build().credentials());
      }
      System.out.println("== " + number + (wasSeen ? " was used" : " was not used"));
    }

    private String bearer(String query) {
      return "Bearer realm=\"http://" + registry.address() + "/token" + query + "\",service=\"s\"";
    }

    /** Whether a request has the secret in it. */
    private boolean sees(Request request) {
      String all = request.target() + request.headers() + new String(request.body(), UTF_8);
      wasSeen |= all.contains(secret(number)) || all.contains(basic("me", number));
      return true;
    }

    private static byte[] said(String text) {
      String clean = text.replaceAll("[\"\\\\]", "'");
      return ("{\"errors\":[{\"code\":\"DENIED\",\"message\":\"" + clean + "\"}]}").getBytes(UTF_8);
    }

    /** Refuses all, and says what the secret was, in all forms. */
    private void answerAll(String challenge) {
      registry.misbehaveAlways(
          this::sees,
          (request, out) ->
              FakeRegistry.whole(
                  out,
                  401,
                  said("you sent " + secret(number) + " " + request.headers() + request.target()),
                  "WWW-Authenticate: " + challenge));
    }

    private RegistryRepository open() throws IOException {
      ImageReference reference = ImageReference.parse(registry.address() + "/some/image:1");
      return new HttpRegistryProvider().open(reference, Access.PUSH, options.build());
    }

    private void manifest() throws IOException {
      try (RegistryRepository repository = open()) {
        repository.manifest(ImageReference.parse(registry.address() + "/some/image:1"));
      }
    }

    private void explicit(RegistryCredentials credentials, String challenge) throws IOException {
      options.credentials(credentials);
      answerAll(challenge);
      manifest();
    }

    private void token(String answer) throws IOException {
      registry.misbehaveAlways(
          request -> request.path().equals("/token"),
          (request, out) -> FakeRegistry.whole(out, 200, answer.getBytes(UTF_8)));
      explicit(RegistryCredentials.of("me", "pass"), bearer(""));
    }

    private String write(String name, String content) throws IOException {
      Path file = directory.resolve(number + "/" + name);
      Files.createDirectories(file.getParent());
      return Files.writeString(file, content).toString();
    }

    private String auths(String auth) {
      return "{\"auths\":{\"" + registry.address() + "\":{\"auth\":\"" + auth + "\"}}}";
    }

    private void config(String entry, String challenge) throws IOException {
      write(".docker/config.json", "{\"auths\":{\"" + registry.address() + "\":{" + entry + "}}}");
      answerAll(challenge);
      manifest();
    }

    private void helperFile(String user, int status) throws IOException {
      write(".docker/config.json", "{\"credsStore\":\"test\"}");
      String program =
          write(
              "bin/docker-credential-test",
              """
              #!/bin/sh
              echo "$0 $*" >> '%s/arguments'
              echo '{"Username":"%s","Secret":"%s"}'
              echo '%s' >&2
              exit %d
              """
                  .formatted(directory, user, secret(number), secret(number), status));
      Files.setPosixFilePermissions(Path.of(program), PosixFilePermissions.fromString("rwxr-xr-x"));
      wasSeen |= status != 0;
    }

    private void helper(String way, String user, int status) throws IOException {
      helperFile(user, status);
      if (way.equals("credHelpers")) {
        write(".docker/config.json", "{\"credHelpers\":{\"" + registry.address() + "\":\"test\"}}");
      }
      answerAll(user.equals("me") ? "Basic realm=\"r\"" : bearer(""));
      manifest();
    }

    private void redirect(String location) throws IOException {
      registry.misbehaveAlways(
          request -> request.isManifest(),
          (request, out) -> FakeRegistry.whole(out, 307, new byte[0], "Location: " + location));
      registry.misbehaveAlways(
          this::sees, (request, out) -> FakeRegistry.whole(out, 403, said(request.target())));
      manifest();
    }

    private void upload() throws IOException {
      registry.misbehaveAlways(
          request -> request.method().equals("POST"),
          (request, out) ->
              FakeRegistry.whole(
                  out,
                  202,
                  new byte[0],
                  "Location: /v2/x/blobs/uploads/1?_state=" + secret(number)));
      registry.misbehaveAlways(
          this::sees, (request, out) -> FakeRegistry.whole(out, 403, said(request.target())));
      try (RegistryRepository repository = open()) {
        repository.upload("some/type", out -> out.write(1));
      }
    }

    private void proxy() throws IOException {
      environment.put("http_proxy", "http://me:" + secret(number) + "@" + registry.address());
      options.environment(environment).insecure("registry.invalid");
      registry.misbehaveAlways(
          this::sees, (request, out) -> FakeRegistry.whole(out, 407, said("" + request.headers())));
      ImageReference reference = ImageReference.parse("registry.invalid/some/image:1");
      try (RegistryRepository repository =
          new HttpRegistryProvider().open(reference, Access.PULL, options.build())) {
        repository.blob(Descriptor.of("x", 1, Digest.sha256Of(new byte[1])), 0).read();
      }
    }
  }
}
