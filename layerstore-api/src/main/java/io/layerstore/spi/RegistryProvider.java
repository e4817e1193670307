package io.layerstore.spi;

import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.LayerStoreException;
import io.layerstore.RegistryCredentials;
import io.layerstore.RegistryOptions;
import io.layerstore.RemoteImage;
import java.util.ServiceLoader;

/**
 * Talks to registries; found with {@link ServiceLoader}. An implementation has a public constructor
 * without parameters that does nothing that could fail, and is safe for use by many threads.
 */
public interface RegistryProvider {

  /** What is meant to be done with a repository, for which a registry may ask for more. */
  enum Access {
    /** To read. */
    PULL,
    /** To read and write. */
    PUSH
  }

  /**
   * The provider there is.
   *
   * @throws LayerStoreException if there is none; the message says which dependency to add
   */
  static RegistryProvider find() throws LayerStoreException {
    return ServiceLoader.load(RegistryProvider.class)
        .findFirst()
        .or(
            () ->
                ServiceLoader.load(RegistryProvider.class, RegistryProvider.class.getClassLoader())
                    .findFirst())
        .orElseThrow(
            () ->
                new LayerStoreException(
                    "nothing here talks to registries; add the dependency"
                        + " io.layerstore:layerstore-registry"));
  }

  /**
   * Begins to talk to the repository of a reference. Nothing is sent yet.
   *
   * @throws io.layerstore.RegistryException if the configuration of this machine forbids it
   */
  RegistryRepository open(ImageReference repository, Access access, RegistryOptions options)
      throws LayerStoreException;

  /** What a registry says of an image; see {@link io.layerstore.ImageStore#remote}. */
  RemoteImage inspect(ImageReference reference, RegistryOptions options) throws LayerStoreException;

  /**
   * Copies an image from registry to registry, as it is: an index with all that it has. Layers that
   * the target has are not fetched.
   *
   * @param meter is told of what comes
   * @return its digest, the same in both
   * @throws io.layerstore.RegistryException if one does not give it, or the other not take it
   */
  Digest copy(ImageReference from, ImageReference to, RegistryOptions options, Meter meter)
      throws LayerStoreException;

  /** Is told how much of a blob has been copied; from one thread at a time. */
  @FunctionalInterface
  interface Meter {

    /** So many bytes of {@code blob} have come; all of them where it was there already. */
    void copied(Descriptor blob, long bytes);
  }

  /**
   * Tries credentials out, and keeps them where others look for them.
   *
   * @param registry host and port; {@code docker.io} for Docker's own
   * @return where they are kept, in words
   * @throws io.layerstore.RegistryException if the registry does not accept them
   */
  String login(String registry, RegistryCredentials credentials, RegistryOptions options)
      throws LayerStoreException;

  /**
   * Forgets credentials.
   *
   * @return whether there were any
   */
  boolean logout(String registry, RegistryOptions options) throws LayerStoreException;
}
