package io.layerstore.cli;

import io.layerstore.LayerStoreException;
import io.layerstore.RegistryOptions;
import io.layerstore.spi.RegistryProvider;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code logout}: forgets the credentials for a registry. */
final class LogoutCommand extends Subcommand {
  private final PositionalParamSpec registryParameter =
      optionalParameter("REGISTRY", "Host and port. Default: " + RegistryNames.DEFAULT + ".");

  LogoutCommand(Layerstore layerstore) {
    super(layerstore, "Forget the credentials for a registry, wherever login keeps them.");
  }

  @Override
  public Integer call() throws IOException {
    @Nullable String named = registryParameter.getValue();
    String registry = named == null ? RegistryNames.DEFAULT : named;
    RegistryOptions options =
        RegistryOptions.builder().environment(layerstore().environment()).build();
    if (!RegistryProvider.find().logout(registry, options)) {
      throw new LayerStoreException("nobody is logged in to " + registry);
    }
    print(
        out -> out.line("logged out of " + registry),
        out -> {},
        json -> json.writeStringField("registry", registry));
    return 0;
  }
}
