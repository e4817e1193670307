package io.layerstore.registry;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads certificates and private keys in the form that OpenSSL writes. */
final class Pem {

  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");

  /** The algorithm RSA, as PKCS #8 names it before a key of PKCS #1. */
  private static final byte[] RSA = HexFormat.of().parseHex("300d06092a864886f70d0101010500");

  private static final byte[] VERSION = HexFormat.of().parseHex("020100");
  private static final int SEQUENCE = 0x30;
  private static final int OCTETS = 0x04;

  private Pem() {}

  /** The certificates in a file, at least one. */
  static List<Certificate> certificates(Path file) throws IOException, GeneralSecurityException {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    List<Certificate> certificates = new ArrayList<>();
    Matcher blocks = BLOCK.matcher(Files.readString(file));
    while (blocks.find()) {
      if (blocks.group(1).equals("CERTIFICATE")) {
        certificates.add(
            factory.generateCertificate(new ByteArrayInputStream(decoded(blocks.group(2)))));
      }
    }
    if (certificates.isEmpty()) {
      throw new IOException(file + " has no certificate in PEM form");
    }
    return certificates;
  }

  /** The private key in a file: PKCS #8, or PKCS #1 of RSA, without a password. */
  static PrivateKey key(Path file) throws IOException, GeneralSecurityException {
    Matcher blocks = BLOCK.matcher(Files.readString(file));
    while (blocks.find()) {
      if (blocks.group(1).equals("PRIVATE KEY")) {
        return key(file, decoded(blocks.group(2)));
      }
      if (blocks.group(1).equals("RSA PRIVATE KEY")) {
        byte[] key = element(OCTETS, decoded(blocks.group(2)));
        return key(file, element(SEQUENCE, VERSION, RSA, key));
      }
    }
    throw new IOException(
        file
            + " has no private key that can be read: convert it with 'openssl pkcs8 -topk8 -nocrypt'");
  }

  private static PrivateKey key(Path file, byte[] pkcs8)
      throws IOException, GeneralSecurityException {
    InvalidKeySpecException failure = null;
    for (String algorithm : List.of("RSA", "EC", "EdDSA")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      } catch (InvalidKeySpecException e) {
        failure = e; // of another algorithm
      }
    }
    throw new IOException(file + " has a private key that is neither RSA nor EC", failure);
  }

  private static byte[] decoded(String base64) {
    return Base64.getMimeDecoder().decode(base64);
  }

  /** An element of DER. */
  private static byte[] element(int tag, byte[]... contents) {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (byte[] part : contents) {
      content.writeBytes(part);
    }
    ByteArrayOutputStream element = new ByteArrayOutputStream();
    element.write(tag);
    int length = content.size();
    if (length < 0x80) {
      element.write(length);
    } else {
      element.write(0x82);
      element.write(length >> Byte.SIZE);
      element.write(length);
    }
    element.writeBytes(content.toByteArray());
    return element.toByteArray();
  }
}
