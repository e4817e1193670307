package io.layerstore.registry;

import io.layerstore.Descriptor;
import io.layerstore.LayerStoreException;
import io.layerstore.RegistryException;
import io.layerstore.RegistryException.Kind;
import io.layerstore.registry.Attempts.Words;
import io.layerstore.registry.Exchange.Request;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bytes of a blob. After a break it asks for the rest, and of the next endpoint when one fails
 * for good. Ends where the descriptor says; more is an error.
 */
final class BlobBody extends InputStream {

  private static final Logger log = LoggerFactory.getLogger(BlobBody.class);
  private static final Pattern RANGE = Pattern.compile("bytes ([0-9]{1,18})-[0-9]+/.*");
  private static final int SKIP_BYTES = 64 << 10;

  private final Exchange exchange;
  private final Descriptor blob;
  private final Words words;

  /** What to ask, one after the other. */
  private final List<Request> requests = new ArrayList<>();

  private Attempts attempts;
  private long position;
  private @Nullable InputStream in;
  private boolean asksForAll;

  BlobBody(HttpRepository repository, List<Endpoint> endpoints, Descriptor blob, long offset) {
    this.exchange = repository.exchange();
    this.blob = blob;
    this.position = offset;
    String what = "fetching the blob " + blob.digest();
    this.words = repository.words(what);
    for (Endpoint endpoint : endpoints) {
      requests.add(repository.request("GET", endpoint, "/blobs/" + blob.digest(), what));
    }
    for (String url : blob.urls()) {
      if (url.matches("https?://[^/].*")) {
        Request own = requests.get(requests.size() - 1);
        Endpoint place = Endpoint.ofMirror(URI.create(url), "");
        requests.add(Request.of("GET", place, url, "", own.words()));
      }
    }
    this.attempts = exchange.attempts(requests.get(0));
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (position >= blob.sizeBytes() && in == null) {
      return -1; // nothing was asked for, so nothing can follow
    }
    while (true) {
      try {
        InputStream open = in;
        if (open == null) {
          open = open();
          in = open;
        }
        int count = open.read(target, offset, length);
        if (count < 0 && position == blob.sizeBytes()) {
          return -1;
        }
        if (count < 0) {
          throw new EOFException("the blob ended early, after " + position + " bytes");
        }
        if (count > blob.sizeBytes() - position) {
          throw words.exception(
              Kind.TOO_LARGE,
              "more came than the " + blob.sizeBytes() + " bytes that were promised",
              null);
        }
        position += count;
        attempts.progressed();
        return count;
      } catch (LayerStoreException e) {
        close();
        next(e);
      } catch (IOException e) {
        close();
        try {
          attempts.failed(e);
        } catch (LayerStoreException given) {
          next(given);
        }
      }
    }
  }

  /** Goes on with the next place, or fails if there is none. */
  private void next(LayerStoreException e) throws LayerStoreException {
    boolean mayGoOn =
        e instanceof RegistryException failed
            && requests.size() > 1
            // The URLs of foreign layers are for registries that do not have them.
            && (requests.get(0).endpoint().isMirror() || failed.kind() == Kind.NOT_FOUND);
    if (!mayGoOn) {
      throw e;
    }
    log.debug("{} does not help; asking the next", requests.get(0).endpoint().host(), e);
    requests.remove(0);
    attempts = exchange.attempts(requests.get(0));
    asksForAll = false;
  }

  private InputStream open() throws IOException {
    boolean isPart = position > 0 && !asksForAll;
    Request request = requests.get(0);
    HttpResponse<BodyStream> response =
        exchange.sendOnce(isPart ? request.with("Range", "bytes=" + position + "-") : request);
    int status = response.statusCode();
    if (status == 206 && isPart) {
      requireStart(response);
      return response.body();
    }
    if (status == 200) {
      requireLength(response);
      skip(response.body());
      return response.body();
    }
    if (status == 416 && isPart) {
      asksForAll = true;
      response.body().close();
      throw new Attempts.BadAnswerException("the registry has no bytes from " + position + " on");
    }
    if (Exchange.isForTheMoment(status)) {
      attempts.failed(status, response.headers(), exchange.said(response));
      return open();
    }
    throw exchange.failure(request, response);
  }

  /** Some servers and proxies answer with another part than was asked for. */
  private void requireStart(HttpResponse<BodyStream> response) throws IOException {
    String range = response.headers().firstValue("Content-Range").orElse("");
    Matcher matcher = RANGE.matcher(range);
    if (!matcher.matches() || Long.parseLong(matcher.group(1)) != position) {
      asksForAll = true;
      response.body().close();
      throw new Attempts.BadAnswerException(
          "the registry gave another part than from " + position + " on");
    }
  }

  private void requireLength(HttpResponse<BodyStream> response) throws IOException {
    long length = response.headers().firstValueAsLong("Content-Length").orElse(blob.sizeBytes());
    if (length != blob.sizeBytes()) {
      response.body().close();
      throw new Attempts.BadAnswerException(
          "the registry has " + length + " bytes where the manifest says " + blob.sizeBytes());
    }
  }

  private void skip(InputStream body) throws IOException {
    byte[] buffer = new byte[SKIP_BYTES];
    long left = position;
    while (left > 0) {
      int count = body.read(buffer, 0, (int) Math.min(left, buffer.length));
      if (count < 0) {
        throw new EOFException("the blob ended early");
      }
      left -= count;
    }
  }

  @Override
  public void close() throws IOException {
    InputStream open = in;
    in = null;
    if (open != null) {
      open.close();
    }
  }
}
