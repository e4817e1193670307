package io.layerstore.registry;

import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.LayerStoreException;
import io.layerstore.RegistryCredentials;
import io.layerstore.RegistryException.Kind;
import io.layerstore.RegistryOptions;
import io.layerstore.RemoteImage;
import io.layerstore.registry.Attempts.Words;
import io.layerstore.registry.Exchange.Request;
import io.layerstore.spi.RegistryProvider;
import io.layerstore.spi.RegistryRepository;
import java.io.IOException;

/** Reaches registries through HTTP. */
public final class HttpRegistryProvider implements RegistryProvider {

  private static final int SMALL = 64 << 10;

  /** For {@link java.util.ServiceLoader}. */
  public HttpRegistryProvider() {}

  @Override
  public RegistryRepository open(ImageReference repository, Access access, RegistryOptions options)
      throws LayerStoreException {
    return new HttpRepository(repository, access, options);
  }

  @Override
  public RemoteImage inspect(ImageReference reference, RegistryOptions options)
      throws LayerStoreException {
    ImageReference tag = withTag(reference);
    try (HttpRepository repository = new HttpRepository(tag, Access.PULL, options)) {
      return new Documents(repository, tag).inspect(options);
    }
  }

  @Override
  public Digest copy(ImageReference from, ImageReference to, RegistryOptions options, Meter meter)
      throws LayerStoreException {
    ImageReference source = withTag(from);
    ImageReference target = withTag(to);
    try (HttpRepository reading = new HttpRepository(source, Access.PULL, options);
        HttpRepository writing = new HttpRepository(target, Access.PUSH, options)) {
      return new RegistryCopy(reading, source, writing, target, meter).run();
    }
  }

  private static ImageReference withTag(ImageReference reference) {
    return reference.isRepository() ? reference.withTag(ImageReference.DEFAULT_TAG) : reference;
  }

  @Override
  public String login(String registry, RegistryCredentials credentials, RegistryOptions options)
      throws LayerStoreException {
    RegistryOptions own = options.toBuilder().credentials(credentials).build();
    Machine machine = Machine.of(own);
    Endpoint endpoint = Endpoint.of(registry, "", machine.isInsecure(registry));
    Words words = new Words(registry, registry, "logging in to " + registry);
    try (Exchange exchange =
        new Exchange(own, new Clients(own, machine), new CredentialStore(registry, own))) {
      exchange.ask(Request.of("GET", endpoint, "", "", words), SMALL, 200);
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw words.exception(Kind.UNREACHABLE, Attempts.describe(e), e);
    }
    return LoginFile.of(options.environment()).store(registry, credentials);
  }

  @Override
  public boolean logout(String registry, RegistryOptions options) throws LayerStoreException {
    return LoginFile.of(options.environment()).erase(registry);
  }
}
