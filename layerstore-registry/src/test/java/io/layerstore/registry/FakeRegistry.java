package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.Digest;
import io.layerstore.ImageReference;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URLDecoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * A registry in this process that does, for some requests, what the test says in place of what is
 * right. Speaks plain HTTP/1.1 on a socket of its own, so that it can break it anywhere.
 */
final class FakeRegistry implements AutoCloseable {

  static final String MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

  private static final int SEND_BUFFER_BYTES = 16 << 10;

  private final ServerSocket server;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final Map<String, byte[]> blobs = new ConcurrentHashMap<>();
  private final Map<String, byte[]> manifests = new ConcurrentHashMap<>();
  private final Map<String, ByteArrayOutputStream> uploads = new ConcurrentHashMap<>();
  private final AtomicInteger sessions = new AtomicInteger();
  private final List<Fault> faults = new CopyOnWriteArrayList<>();
  private final List<Request> requests = new CopyOnWriteArrayList<>();

  /** One request, with its body. */
  @SuppressWarnings("ArrayRecordComponent") // Looked at, never compared.
  record Request(String method, String target, Map<String, String> headers, byte[] body) {

    String path() {
      return target.replaceFirst("\\?.*", "");
    }

    String header(String name) {
      return headers.getOrDefault(name.toLowerCase(Locale.ROOT), "");
    }

    String parameter(String name) {
      for (String pair : target.replaceFirst("^[^?]*\\??", "").split("&", -1)) {
        if (pair.startsWith(name + "=")) {
          return URLDecoder.decode(pair.substring(name.length() + 1), UTF_8);
        }
      }
      return "";
    }

    boolean isManifest() {
      return target.contains("/manifests/");
    }

    boolean isBlob(String digest) {
      return method.equals("GET") && target.endsWith("/blobs/" + digest);
    }
  }

  /** What is done in place of the answer. */
  @FunctionalInterface
  interface Misbehaviour {

    /** Writes what it wants; the connection is closed after it. */
    void to(Request request, OutputStream out) throws IOException;
  }

  /** Has the connection reset in place of closed. */
  static final class ResetException extends IOException {
    private static final long serialVersionUID = 1L;
  }

  private record Fault(Predicate<Request> when, AtomicInteger left, Misbehaviour what) {}

  private FakeRegistry(ServerSocket server) {
    this.server = server;
  }

  static FakeRegistry start() throws IOException {
    FakeRegistry registry =
        new FakeRegistry(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
    registry.daemon(registry::accept, "fake registry");
    return registry;
  }

  private void daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  String address() {
    return "127.0.0.1:" + server.getLocalPort();
  }

  String addBlob(byte[] bytes) {
    String digest = Digest.sha256Of(bytes).toString();
    blobs.put(digest, bytes);
    return digest;
  }

  boolean hasBlob(String digest) {
    return blobs.containsKey(digest);
  }

  /** Adds a manifest under its digest and a tag. */
  String addManifest(String tag, String document) {
    byte[] bytes = document.getBytes(UTF_8);
    String digest = Digest.sha256Of(bytes).toString();
    manifests.put(digest, bytes);
    manifests.put(tag, bytes);
    return digest;
  }

  /**
   * Adds an image of layers that are not compressed.
   *
   * @return what it is called
   */
  ImageReference addImage(String tag, List<byte[]> layers) {
    List<String> diffIds = new ArrayList<>();
    List<String> descriptors = new ArrayList<>();
    for (byte[] layer : layers) {
      String digest = addBlob(layer);
      diffIds.add("\"" + digest + "\"");
      descriptors.add(descriptor("image.rootfs.diff.tar", digest, layer.length));
    }
    String config =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":["
            + String.join(",", diffIds)
            + "]}}";
    addManifest(
        tag,
        "{\"schemaVersion\":2,\"mediaType\":\""
            + MANIFEST
            + "\",\"config\":"
            + descriptor(
                "container.image.v1+json", addBlob(config.getBytes(UTF_8)), config.length())
            + ",\"layers\":["
            + String.join(",", descriptors)
            + "]}");
    return ImageReference.parse(address() + "/some/image:" + tag);
  }

  private static String descriptor(String type, String digest, long size) {
    return "{\"mediaType\":\"application/vnd.docker.%s\",\"digest\":\"%s\",\"size\":%d}"
        .formatted(type, digest, size);
  }

  /** Has the next {@code times} requests of a kind go wrong. */
  void misbehave(Predicate<Request> when, int times, Misbehaviour what) {
    faults.add(new Fault(when, new AtomicInteger(times), what));
  }

  void misbehaveAlways(Predicate<Request> when, Misbehaviour what) {
    misbehave(when, Integer.MAX_VALUE, what);
  }

  List<Request> requests() {
    return List.copyOf(requests);
  }

  /** How many connections clients hold. */
  int connections() {
    return open.size();
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = server.accept();
        // What the kernel holds back has been sent, and not received.
        socket.setSendBufferSize(SEND_BUFFER_BYTES);
        open.add(socket);
        daemon(() -> serve(socket), "fake registry connection");
      }
    } catch (IOException e) {
      return; // closed
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      InputStream in = new BufferedInputStream(socket.getInputStream());
      OutputStream out = socket.getOutputStream();
      for (Request request = read(in); request != null; request = read(in)) {
        requests.add(request);
        Misbehaviour fault = fault(request);
        if (fault != null) {
          try {
            fault.to(request, out);
          } catch (ResetException e) {
            socket.setSoLinger(true, 0);
          }
          return;
        }
        answer(request, out);
      }
    } catch (IOException e) {
      return; // the client has gone
    } finally {
      open.remove(socket);
    }
  }

  private Misbehaviour fault(Request request) {
    for (Fault fault : faults) {
      if (fault.when().test(request)
          && fault.left().getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
        return fault.what();
      }
    }
    return null;
  }

  private static Request read(InputStream in) throws IOException {
    String first = line(in);
    if (first.isEmpty()) {
      return null;
    }
    String[] words = first.split(" ", -1);
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    byte[] body;
    if (headers.getOrDefault("transfer-encoding", "").equals("chunked")) {
      body = chunks(in);
    } else {
      body = in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
    }
    return new Request(words[0], words[1], headers, body);
  }

  private static byte[] chunks(InputStream in) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    while (true) {
      String size = line(in);
      if (size.isEmpty()) {
        throw new EOFException();
      }
      int length = Integer.parseInt(size, 16);
      byte[] chunk = in.readNBytes(length);
      if (chunk.length < length) {
        throw new EOFException();
      }
      body.writeBytes(chunk);
      line(in);
      if (length == 0) {
        return body.toByteArray();
      }
    }
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int b = in.read(); b >= 0 && b != '\n'; b = in.read()) {
      if (b != '\r') {
        line.append((char) b);
      }
    }
    return line.toString();
  }

  /** Writes the beginning of an answer. */
  static void head(OutputStream out, int status, String... headers) throws IOException {
    StringBuilder head = new StringBuilder("HTTP/1.1 " + status + " Status\r\n");
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    out.write(head.append("\r\n").toString().getBytes(ISO_8859_1));
    out.flush();
  }

  /** Writes a whole answer. */
  static void whole(OutputStream out, int status, byte[] body, String... headers)
      throws IOException {
    List<String> all = new ArrayList<>(Arrays.asList(headers));
    all.add("Content-Length: " + body.length);
    head(out, status, all.toArray(new String[0]));
    out.write(body);
    out.flush();
  }

  /** The right answer. */
  void answer(Request request, OutputStream out) throws IOException {
    String path = request.path();
    String last = path.substring(path.lastIndexOf('/') + 1);
    boolean isHead = request.method().equals("HEAD");
    if (path.equals("/v2/")) {
      whole(out, 200, "{}".getBytes(UTF_8));
    } else if (request.isManifest() && request.method().equals("PUT")) {
      String digest = addManifest(last, new String(request.body(), UTF_8));
      whole(out, 201, new byte[0], "Docker-Content-Digest: " + digest);
    } else if (request.isManifest()) {
      byte[] bytes = manifests.get(last);
      if (bytes == null) {
        missing(out, "MANIFEST_UNKNOWN");
      } else {
        whole(
            out,
            200,
            bytes,
            "Content-Type: " + MANIFEST,
            "Docker-Content-Digest: " + Digest.sha256Of(bytes));
      }
    } else if (path.contains("/blobs/uploads/")) {
      upload(request, out, last);
    } else if (path.contains("/blobs/")) {
      byte[] bytes = blobs.get(last);
      if (bytes == null) {
        missing(out, "BLOB_UNKNOWN");
      } else if (isHead) {
        head(out, 200, "Content-Length: " + bytes.length);
      } else {
        blob(request, out, bytes);
      }
    } else {
      missing(out, "UNKNOWN");
    }
  }

  private static void blob(Request request, OutputStream out, byte[] bytes) throws IOException {
    String range = request.header("Range");
    if (range.isEmpty()) {
      whole(out, 200, bytes);
      return;
    }
    int from = Integer.parseInt(range.replaceAll("bytes=([0-9]+)-", "$1"));
    whole(
        out,
        206,
        Arrays.copyOfRange(bytes, from, bytes.length),
        "Content-Range: bytes " + from + "-" + (bytes.length - 1) + "/" + bytes.length);
  }

  private void upload(Request request, OutputStream out, String id) throws IOException {
    if (request.method().equals("POST")) {
      String session = "session-" + sessions.incrementAndGet();
      uploads.put(session, new ByteArrayOutputStream());
      whole(out, 202, new byte[0], "Location: " + request.path() + session);
      return;
    }
    ByteArrayOutputStream upload = uploads.get(id);
    if (upload == null) {
      missing(out, "BLOB_UPLOAD_UNKNOWN");
    } else if (request.method().equals("PATCH")) {
      append(id, request.body());
      whole(out, 202, new byte[0], "Location: " + request.path(), range(upload));
    } else if (request.method().equals("GET")) {
      head(out, 204, "Location: " + request.path(), range(upload));
    } else {
      String digest = addBlob(upload.toByteArray());
      if (digest.equals(request.parameter("digest"))) {
        whole(out, 201, new byte[0], "Location: /v2/x/blobs/" + digest);
      } else {
        whole(out, 400, "{\"errors\":[{\"code\":\"DIGEST_INVALID\"}]}".getBytes(UTF_8));
      }
    }
  }

  /** Adds to an upload what has come of a request. */
  void append(String id, byte[] bytes) {
    uploads.get(id).writeBytes(bytes);
  }

  private static String range(ByteArrayOutputStream upload) {
    return "Range: 0-" + Math.max(0, upload.size() - 1);
  }

  private static void missing(OutputStream out, String code) throws IOException {
    whole(out, 404, ("{\"errors\":[{\"code\":\"" + code + "\"}]}").getBytes(UTF_8));
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
