package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.RegistryCredentials;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A program called {@code docker-credential-NAME} on the path, which keeps credentials. Secrets go
 * through its standard input and output, never through arguments.
 *
 * @see <a href="https://github.com/docker/docker-credential-helpers">the protocol</a>
 */
final class CredentialHelper {

  private static final Logger log = LoggerFactory.getLogger(CredentialHelper.class);
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]+");
  private static final int MAX_BYTES = 1 << 20;
  private static final long TIMEOUT_SECONDS = 60;
  private static final String TOKEN_USER = "<token>";

  private final String program;
  private final Map<String, String> environment;

  /** What the program said. */
  @SuppressWarnings("ArrayRecordComponent") // Handed on, never compared.
  private record Answer(int status, byte[] output) {}

  CredentialHelper(String name, Map<String, String> environment) throws LayerStoreException {
    if (!NAME.matcher(name).matches()) {
      throw new LayerStoreException(
          "the configuration names a credential helper that cannot be one; correct credsStore and"
              + " credHelpers");
    }
    this.program = "docker-credential-" + name;
    this.environment = environment;
  }

  String program() {
    return program;
  }

  /** The credentials for a server; empty if it has none. */
  Optional<RegistryCredentials> get(String server) throws LayerStoreException {
    Answer answer = run("get", server.getBytes(UTF_8));
    if (answer.status() != 0) {
      // The protocol has no other sign than these words.
      if (new String(answer.output(), UTF_8).contains("not found")) {
        return Optional.empty();
      }
      throw failed("get", "it ended with status " + answer.status());
    }
    Json json = Json.parseOrEmpty(answer.output());
    String user = json.text("Username");
    String secret = json.text("Secret");
    if (user.isEmpty() && secret.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          user.equals(TOKEN_USER)
              ? RegistryCredentials.ofIdentityToken(secret)
              : RegistryCredentials.of(user, secret));
    } catch (IllegalArgumentException e) {
      throw failed("get", String.valueOf(e.getMessage()));
    }
  }

  /** Keeps credentials. */
  void store(String server, RegistryCredentials credentials) throws LayerStoreException {
    Json json =
        Json.object()
            .with("ServerURL", server)
            .with("Username", credentials.isIdentityToken() ? TOKEN_USER : credentials.username())
            .with("Secret", credentials.secret());
    byte[] input;
    try {
      input = json.toBytes();
    } catch (IOException e) {
      throw new IllegalStateException("writing to memory failed", e);
    }
    Answer answer = run("store", input);
    if (answer.status() != 0) {
      throw failed("store", "it ended with status " + answer.status());
    }
  }

  /** Forgets credentials. */
  void erase(String server) throws LayerStoreException {
    Answer answer = run("erase", server.getBytes(UTF_8));
    if (answer.status() != 0 && !new String(answer.output(), UTF_8).contains("not found")) {
      throw failed("erase", "it ended with status " + answer.status());
    }
  }

  private Answer run(String verb, byte[] input) throws LayerStoreException {
    ProcessBuilder builder = new ProcessBuilder(find().toString(), verb);
    builder.environment().clear();
    builder.environment().putAll(environment);
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new LayerStoreException(
          "the credential helper "
              + program
              + " cannot be started; install it, or take it out of"
              + " the configuration",
          e);
    }
    try {
      CompletableFuture<byte[]> output =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return process.getInputStream().readNBytes(MAX_BYTES);
                } catch (IOException e) {
                  return new byte[0];
                }
              });
      try (OutputStream out = process.getOutputStream()) {
        out.write(input);
      } catch (IOException e) {
        log.debug("{} ended without reading; its status says more", program, e);
      }
      byte[] bytes = output.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
      if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
        throw failed(verb, "it does not end");
      }
      return new Answer(process.exitValue(), bytes);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new OperationInterruptedException("asking a credential helper", e);
    } catch (TimeoutException e) {
      throw failed(verb, "it said nothing for " + TIMEOUT_SECONDS + " seconds");
    } catch (ExecutionException e) {
      throw failed(verb, "it could not be read");
    } finally {
      process.destroyForcibly();
    }
  }

  private Path find() throws LayerStoreException {
    for (String directory : environment.getOrDefault("PATH", "").split(File.pathSeparator, -1)) {
      if (!directory.isEmpty()) {
        Path file = Path.of(directory, program);
        if (Files.isExecutable(file) && Files.isRegularFile(file)) {
          return file;
        }
      }
    }
    throw new LayerStoreException(
        "the credential helper "
            + program
            + " is not on the path; install it, or take it out of the"
            + " configuration");
  }

  private LayerStoreException failed(String verb, String problem) {
    return new LayerStoreException(
        "the credential helper " + program + " " + verb + " failed: " + problem);
  }
}
