package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.RegistryException;
import io.layerstore.RegistryException.Kind;
import io.layerstore.registry.Attempts.Words;
import io.layerstore.registry.Exchange.Answer;
import io.layerstore.registry.Exchange.Request;
import io.layerstore.spi.RegistryRepository.Content;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Uploads one blob: as one stream, which all registries take as Docker sends so; in chunks to one
 * that wants them. After a break it asks how much has come, and goes on from there.
 *
 * <p>The digest is known only at the end, when the content has been made.
 */
final class Upload {

  private static final Pattern RANGE = Pattern.compile("(?:bytes=)?0-([0-9]{1,18})");
  private static final int SMALL = 64 << 10;
  private static final int CHUNK_BYTES = 4 << 20;
  private static final int MAX_CHUNK_BYTES = 64 << 20;

  private final HttpRepository repository;
  private final Exchange exchange;
  private final Endpoint endpoint;
  private final String mediaType;
  private final Content content;
  private final Words words;
  private final Attempts attempts;

  /** Where to send what comes next; null if there is no upload under way. */
  private @Nullable String location;

  /** How much the registry has. */
  private long offset;

  private boolean isInChunks;
  private int chunkBytes = CHUNK_BYTES;

  Upload(HttpRepository repository, Endpoint endpoint, String mediaType, Content content) {
    this.repository = repository;
    this.exchange = repository.exchange();
    this.endpoint = endpoint;
    this.mediaType = mediaType;
    this.content = content;
    this.words = repository.words("uploading a blob");
    this.attempts = exchange.attempts(request("POST", "/blobs/uploads/"));
  }

  private Request request(String method, String path) {
    return repository.request(method, endpoint, path, words.what());
  }

  private Request at(String method, String url) {
    Request own = request(method, "");
    return new Request(method, endpoint, url, own.scope(), own.headers(), null, words);
  }

  Descriptor run() throws IOException {
    while (true) {
      try {
        String begun = location == null ? begin() : location;
        Descriptor sent = isInChunks ? sendInChunks() : stream(begun);
        commit(sent);
        return sent;
      } catch (ContentException e) {
        throw e.cause();
      } catch (LayerStoreException e) {
        throw e;
      } catch (IOException e) {
        attempts.failed(e);
        findOffset();
      }
    }
  }

  private String begin() throws IOException {
    Answer answer = exchange.ask(request("POST", "/blobs/uploads/"), SMALL, 202);
    String minimum = answer.headers().firstValue("OCI-Chunk-Min-Length").orElse("");
    if (minimum.matches("[0-9]{1,8}")) {
      chunkBytes = Math.min(MAX_CHUNK_BYTES, Math.max(chunkBytes, Integer.parseInt(minimum)));
    }
    offset = 0;
    return moveTo(answer.uri(), answer.headers().firstValue("Location").orElse(""));
  }

  private String moveTo(URI from, String text) throws RegistryException {
    String next = HttpRepository.location(from, text, words);
    location = next;
    return next;
  }

  /** What failed is the content, not the way to the registry. */
  private static final class ContentException extends IOException {
    private static final long serialVersionUID = 1L;
    private final IOException cause;

    ContentException(IOException cause) {
      super(cause);
      this.cause = cause;
    }

    IOException cause() {
      return cause;
    }
  }

  private Descriptor stream(String url) throws IOException {
    UploadBody body = new UploadBody(offset, exchange.options().idleTimeout());
    Request request =
        at("PATCH", url)
            .with("Content-Type", "application/octet-stream")
            .sending(BodyPublishers.fromPublisher(body));
    CompletableFuture<HttpResponse<BodyStream>> answer = exchange.begin(request);
    // An answer before the end means that the rest is not wanted.
    CompletableFuture<?> unused = answer.whenComplete((response, failure) -> body.cancel());
    try {
      write(body);
    } catch (ContentException e) {
      body.abort();
      answer.cancel(true);
      throw e;
    } catch (IOException e) {
      if (!answer.isDone()) {
        body.abort();
        answer.cancel(true);
        throw e;
      }
      // The answer says more than that the body was not taken.
    }
    HttpResponse<BodyStream> response = await(answer);
    int status = response.statusCode();
    if (status == 411 || status == 413 || status == 405) {
      response.body().close();
      isInChunks = true;
      location = null;
      throw new Attempts.BadAnswerException("the registry answered " + status + " to a stream");
    }
    if (status == 404 || status == 416) {
      response.body().close();
      location = null;
      throw new Attempts.BadAnswerException("the registry has lost the upload");
    }
    if (status == 401) {
      response.body().close();
      // The next request is challenged in the same way, and can be sent again.
      throw new Attempts.BadAnswerException(
          "the credentials have expired in the middle of an upload");
    }
    if (status / 100 == 3) {
      response.body().close();
      moveTo(response.uri(), response.headers().firstValue("Location").orElse(""));
      throw new Attempts.BadAnswerException("the registry wants the upload elsewhere");
    }
    if (Exchange.isForTheMoment(status)) {
      attempts.failed(status, response.headers(), exchange.said(response));
      throw new Attempts.BadAnswerException("the registry answered " + status);
    }
    if (status / 100 != 2) {
      throw exchange.failure(request, response);
    }
    response.body().close();
    moveTo(response.uri(), response.headers().firstValue("Location").orElse(url));
    return Descriptor.of(mediaType, body.count(), body.digest());
  }

  private void write(UploadBody body) throws IOException {
    try {
      content.writeTo(body);
    } catch (IOException e) {
      if (body.isCancelled() && !(e instanceof LayerStoreException)) {
        throw e;
      }
      throw new ContentException(e);
    }
    body.finish();
  }

  private HttpResponse<BodyStream> await(CompletableFuture<HttpResponse<BodyStream>> answer)
      throws IOException {
    try {
      return answer.get(exchange.options().requestTimeout().toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw new OperationInterruptedException("uploading a blob", e);
    } catch (CancellationException e) {
      throw Clients.ended(e);
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw new IOException("the registry does not answer to an upload", e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      throw cause instanceof IOException io ? io : new IOException(cause);
    }
  }

  private Descriptor sendInChunks() throws IOException {
    Chunks chunks = new Chunks();
    try {
      content.writeTo(chunks);
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw chunks.hasFailed ? e : new ContentException(e);
    }
    chunks.send();
    return Descriptor.of(
        mediaType,
        chunks.count,
        new Digest(Digest.Algorithm.SHA256, HexFormat.of().formatHex(chunks.digest.digest())));
  }

  /** Sends what is written, a chunk at a time. */
  private final class Chunks extends OutputStream {
    private final MessageDigest digest = Digest.Algorithm.SHA256.newMessageDigest();
    private final byte[] chunk = new byte[chunkBytes];
    private int filled;
    private long count;
    private long toSkip = offset;
    private boolean hasFailed;

    @Override
    public void write(int one) throws IOException {
      write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int start, int length) throws IOException {
      digest.update(bytes, start, length);
      count += length;
      int skipped = (int) Math.min(toSkip, length);
      toSkip -= skipped;
      for (int at = start + skipped; at < start + length; ) {
        int part = Math.min(start + length - at, chunk.length - filled);
        System.arraycopy(bytes, at, chunk, filled, part);
        filled += part;
        at += part;
        if (filled == chunk.length) {
          send();
        }
      }
    }

    void send() throws IOException {
      String url = location;
      if (filled == 0 || url == null) {
        return;
      }
      hasFailed = true;
      Answer answer =
          exchange.ask(
              at("PATCH", url)
                  .with("Content-Type", "application/octet-stream")
                  .with("Content-Range", offset + "-" + (offset + filled - 1))
                  .sending(BodyPublishers.ofByteArray(Arrays.copyOf(chunk, filled))),
              SMALL,
              200,
              201,
              202,
              204);
      hasFailed = false;
      offset += filled;
      filled = 0;
      moveTo(answer.uri(), answer.headers().firstValue("Location").orElse(url));
    }
  }

  /** How much of a broken upload has come; it begins anew where the registry does not say. */
  private void findOffset() throws IOException {
    String url = location;
    if (url == null) {
      return;
    }
    try {
      Answer answer = exchange.ask(at("GET", url), SMALL, 200, 202, 204);
      Matcher range = RANGE.matcher(answer.headers().firstValue("Range").orElse("").strip());
      if (range.matches()) {
        long last = Long.parseLong(range.group(1));
        // Nothing and one byte look the same; nothing is the safer guess.
        offset = last == 0 ? 0 : last + 1;
        moveTo(answer.uri(), answer.headers().firstValue("Location").orElse(url));
        if (offset > 0) {
          return;
        }
      }
    } catch (RegistryException e) {
      if (e.kind() == Kind.UNREACHABLE || e.kind() == Kind.UNAUTHORIZED) {
        throw e;
      }
    }
    location = null;
  }

  private void commit(Descriptor sent) throws IOException {
    String url = String.valueOf(location);
    String separator = url.indexOf('?') < 0 ? "?" : "&";
    try {
      exchange.ask(
          at(
              "PUT",
              url + separator + "digest=" + URLEncoder.encode(sent.digest().toString(), UTF_8)),
          SMALL,
          201,
          204);
    } catch (RegistryException e) {
      // It may have been done, and the answer lost.
      OptionalLong size = repository.blobSize(sent.digest());
      if (size.isEmpty() || size.getAsLong() != sent.sizeBytes()) {
        throw e;
      }
    }
  }
}
