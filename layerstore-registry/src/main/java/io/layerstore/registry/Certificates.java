package io.layerstore.registry;

import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * Whom to trust, and how to prove who we are, for one host: {@code certs.d/HOST[:PORT]} with {@code
 * *.crt}, authorities besides those of the JDK, and {@code *.cert} with {@code *.key}, the client's
 * own.
 *
 * @see <a href="https://docs.docker.com/engine/security/certificates/">Docker: verify repository
 *     client with certificates</a>
 */
final class Certificates {

  private static final char[] NO_PASSWORD = new char[0];

  private Certificates() {}

  /**
   * The context for a host; empty where that of the JDK will do.
   *
   * @param isInsecure whether nobody is to be asked for proof
   */
  static Optional<SSLContext> contextFor(String host, List<Path> directories, boolean isInsecure)
      throws LayerStoreException {
    try {
      KeyStore authorities = KeyStore.getInstance(KeyStore.getDefaultType());
      authorities.load(null, null);
      KeyStore own = KeyStore.getInstance(KeyStore.getDefaultType());
      own.load(null, null);
      for (Path directory : directories) {
        read(directory, authorities, own);
      }
      if (authorities.size() == 0 && own.size() == 0 && !isInsecure) {
        return Optional.empty();
      }
      SSLContext context = SSLContext.getInstance("TLS");
      TrustManager trust = isInsecure ? new TrustAll() : trust(authorities);
      context.init(keys(own), new TrustManager[] {trust}, null);
      return Optional.of(context);
    } catch (GeneralSecurityException | IOException e) {
      throw new LayerStoreException(
          "the certificates for " + host + " cannot be used: " + e.getMessage(), e);
    }
  }

  private static void read(Path directory, KeyStore authorities, KeyStore own)
      throws IOException, GeneralSecurityException {
    Set<Path> files = new TreeSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      entries.forEach(files::add);
    } catch (NoSuchFileException | NotDirectoryException | AccessDeniedException e) {
      return;
    }
    for (Path file : files) {
      String name = String.valueOf(file.getFileName());
      if (name.endsWith(".crt")) {
        for (Certificate certificate : Pem.certificates(file)) {
          authorities.setCertificateEntry("ca-" + authorities.size(), certificate);
        }
      } else if (name.endsWith(".cert")) {
        Path key = directory.resolve(name.substring(0, name.length() - ".cert".length()) + ".key");
        List<Certificate> chain = Pem.certificates(file);
        if (!Files.exists(key)) {
          throw new IOException(file + " has no " + key.getFileName() + " beside it");
        }
        own.setKeyEntry(
            "client-" + own.size(), Pem.key(key), NO_PASSWORD, chain.toArray(new Certificate[0]));
      }
    }
  }

  private static KeyManager[] keys(KeyStore own) throws GeneralSecurityException {
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(own, NO_PASSWORD);
    return factory.getKeyManagers();
  }

  /** Those of the JDK and these. */
  private static TrustManager trust(KeyStore authorities)
      throws GeneralSecurityException, IOException {
    X509TrustManager known = manager(null);
    for (X509Certificate certificate : known.getAcceptedIssuers()) {
      authorities.setCertificateEntry("jdk-" + authorities.size(), certificate);
    }
    return manager(authorities);
  }

  private static X509TrustManager manager(@org.jspecify.annotations.Nullable KeyStore store)
      throws GeneralSecurityException {
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509TrustManager found) {
        return found;
      }
    }
    throw new GeneralSecurityException("this Java platform checks no certificates");
  }

  /** For hosts that are named as insecure. The extended kind, which checks no host name either. */
  private static final class TrustAll extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
