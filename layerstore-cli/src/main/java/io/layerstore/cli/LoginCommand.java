package io.layerstore.cli;

import io.layerstore.LayerStoreException;
import io.layerstore.RegistryCredentials;
import io.layerstore.spi.RegistryProvider;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code login}: tries credentials for a registry out and keeps them. */
final class LoginCommand extends Subcommand {

  private static final int MAX_PASSWORD_BYTES = 1 << 20;

  private final OptionSpec userOption = option("-u", "USER", "The user.");
  private final OptionSpec standardInputOption =
      flag("--password-stdin", "Read the password from standard input, and not from the terminal.");
  private final OptionSpec insecureOption = RegistryNames.insecureOption(this);
  private final PositionalParamSpec registryParameter =
      optionalParameter("REGISTRY", "Host and port. Default: " + RegistryNames.DEFAULT + ".");

  LoginCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Log in to a registry.",
        "Keeps the credentials where Docker does: with the helper that its config.json names, or in "
            + "that file. There is no option for the password, which others could see.");
  }

  @Override
  public Integer call() throws IOException {
    @Nullable String user = userOption.getValue();
    @Nullable String named = registryParameter.getValue();
    String registry = named == null ? RegistryNames.DEFAULT : named;
    if (user == null) {
      throw layerstore().wrongUsage("say who: -u USER");
    }
    RegistryCredentials credentials = RegistryCredentials.of(user, password(user, registry));
    String where =
        RegistryProvider.find()
            .login(registry, credentials, RegistryNames.options(layerstore(), insecureOption));
    print(
        out -> out.line("logged in to " + registry + "; kept in " + where),
        out -> {},
        json -> {
          json.writeStringField("registry", registry);
          json.writeStringField("keptIn", where);
        });
    return 0;
  }

  private String password(String user, String registry) throws IOException {
    if (isGiven(standardInputOption)) {
      byte[] bytes = layerstore().console().in().readNBytes(MAX_PASSWORD_BYTES);
      String password = new String(bytes, StandardCharsets.UTF_8).replaceFirst("\r?\n$", "");
      if (password.isEmpty()) {
        throw new LayerStoreException("there is no password on standard input");
      }
      return password;
    }
    // Later JDKs have a console without a terminal, too.
    java.io.Console terminal =
        Optional.ofNullable(System.console())
            .filter(console -> Console.isTerminal(0))
            .orElseThrow(
                () ->
                    layerstore()
                        .wrongUsage(
                            "there is no terminal to ask for the password; give --password-stdin"));
    char[] password = terminal.readPassword("Password of %s at %s: ", user, registry);
    if (password == null || password.length == 0) {
      throw new LayerStoreException("no password was given");
    }
    return new String(password);
  }
}
