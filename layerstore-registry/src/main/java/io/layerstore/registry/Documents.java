package io.layerstore.registry;

import io.layerstore.ByteString;
import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.LayerStoreException;
import io.layerstore.Platform;
import io.layerstore.RegistryException;
import io.layerstore.RegistryException.Kind;
import io.layerstore.RegistryOptions;
import io.layerstore.RemoteImage;
import io.layerstore.RemoteImage.Variant;
import io.layerstore.spi.RegistryRepository.Manifest;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Follows the documents of an image in a registry: indexes, manifests, configurations. */
final class Documents {

  private static final int MAX_NESTING = 8;
  private static final int MAX_DOCUMENTS = 1000;
  private static final int MAX_CONFIG_BYTES = 4 << 20;
  private static final String ATTESTATION = "vnd.docker.reference.type";

  private final HttpRepository repository;
  private final ImageReference reference;
  private int count;

  Documents(HttpRepository repository, ImageReference reference) {
    this.repository = repository;
    this.reference = reference;
  }

  /** Whether a document lists others. */
  static boolean isIndex(Json document) {
    return document.get("manifests").isPresent();
  }

  /** A document of a registry. */
  Json json(Manifest manifest) throws LayerStoreException {
    try {
      return Json.parse(manifest.bytes());
    } catch (IOException e) {
      throw repository
          .words("looking at " + reference)
          .exception(Kind.INVALID_RESPONSE, "the manifest is " + e.getMessage(), e);
    }
  }

  /** What a document says of others. */
  List<Descriptor> descriptors(Json list) throws RegistryException {
    List<Descriptor> descriptors = new ArrayList<>();
    for (Json json : list.elements()) {
      descriptors.add(descriptor(json));
    }
    return descriptors;
  }

  Descriptor descriptor(Json json) throws RegistryException {
    try {
      if (++count > MAX_DOCUMENTS * MAX_NESTING) {
        throw new IllegalArgumentException("there are too many of them");
      }
      Map<String, String> annotations = new java.util.TreeMap<>();
      json.get("annotations")
          .members()
          .forEach((name, value) -> annotations.put(name, value.text()));
      return new Descriptor(
          json.text("mediaType"),
          Long.parseLong(json.text("size")),
          Digest.parse(json.text("digest")),
          json.get("urls").elements().stream().map(Json::text).toList(),
          annotations,
          json.get("platform").isPresent()
              ? Optional.of(platform(json.get("platform")))
              : Optional.empty());
    } catch (IllegalArgumentException e) {
      throw repository
          .words("looking at " + reference)
          .exception(
              Kind.INVALID_RESPONSE, "a descriptor is not of the form: " + e.getMessage(), e);
    }
  }

  private static Platform platform(Json json) {
    return new Platform(
        json.text("architecture"),
        json.text("os"),
        Optional.of(json.text("os.version")).filter(text -> !text.isEmpty()),
        json.get("os.features").elements().stream().map(Json::text).toList(),
        Optional.of(json.text("variant")).filter(text -> !text.isEmpty()));
  }

  /** The image, for each platform that there is. */
  RemoteImage inspect(RegistryOptions options) throws LayerStoreException {
    Manifest manifest = repository.manifest(reference);
    List<Variant> variants = new ArrayList<>();
    add(manifest, manifest.descriptor(), variants, 0);
    return new RemoteImage(
        reference, manifest.descriptor(), ByteString.of(manifest.bytes()), variants, options);
  }

  private void add(Manifest manifest, Descriptor as, List<Variant> variants, int nesting)
      throws LayerStoreException {
    Json json = json(manifest);
    if (isIndex(json)) {
      if (nesting == MAX_NESTING) {
        throw repository
            .words("looking at " + reference)
            .exception(Kind.INVALID_RESPONSE, "indexes are nested deeper than " + nesting, null);
      }
      for (Descriptor entry : descriptors(json.get("manifests"))) {
        if (!isAttestation(entry)) {
          add(
              repository.manifest(reference.withDigest(entry.digest())),
              entry,
              variants,
              nesting + 1);
        }
      }
      return;
    }
    if (!json.get("config").isPresent()) {
      return; // no image
    }
    Descriptor config = descriptor(json.get("config"));
    byte[] bytes = config(config);
    variants.add(
        new Variant(
            as.platform().isPresent() ? as : ofPlatform(as, Json.parseOrEmpty(bytes)),
            config,
            ByteString.of(bytes),
            descriptors(json.get("layers"))));
  }

  /** The same with the platform that a configuration says. */
  private static Descriptor ofPlatform(Descriptor manifest, Json config) {
    return config.text("architecture").isEmpty()
        ? manifest
        : new Descriptor(
            manifest.mediaType(),
            manifest.sizeBytes(),
            manifest.digest(),
            manifest.urls(),
            manifest.annotations(),
            Optional.of(platform(config)));
  }

  private static boolean isAttestation(Descriptor entry) {
    return entry.annotations().containsKey(ATTESTATION)
        || entry.platform().filter(platform -> platform.os().equals("unknown")).isPresent();
  }

  private byte[] config(Descriptor config) throws LayerStoreException {
    Attempts.Words words = repository.words("fetching the configuration " + config.digest());
    if (config.sizeBytes() > MAX_CONFIG_BYTES) {
      throw words.exception(
          Kind.TOO_LARGE, "it has more than " + MAX_CONFIG_BYTES + " bytes", null);
    }
    byte[] bytes;
    try (InputStream in = repository.blob(config, 0)) {
      bytes = in.readAllBytes();
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw words.exception(Kind.UNREACHABLE, Attempts.describe(e), e);
    }
    String hex =
        HexFormat.of().formatHex(config.digest().algorithm().newMessageDigest().digest(bytes));
    if (!hex.equals(config.digest().hex())) {
      throw words.exception(Kind.WRONG_DIGEST, "it has the digest " + hex, null);
    }
    return bytes;
  }
}
