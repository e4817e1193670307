package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.layerstore.DriverChoice;
import io.layerstore.DriverStatus;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.RecoveryReport;
import io.layerstore.StoreUser;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * {@code info}: which driver and why, facts about it, what the store holds, and what was found
 * wrong in it.
 */
final class InfoCommand extends Subcommand {
  InfoCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Show the state of the store: which driver it uses and why, what it contains, and what "
            + "is wrong with it.",
        "The driver tests what works on this machine, unless the store is in use or --read-only "
            + "is given.");
  }

  @Override
  public Integer call() throws IOException {
    try (LayerStore store = layerstore().openToTry()) {
      DriverChoice choice = store.driverChoice();
      DriverStatus status = store.driverStatus();
      RecoveryReport recovery = store.recoveryReport();
      List<LayerInfo> layers = store.layers();
      int rwLayers = store.rwLayers().size();
      int images = store.images().list().size();
      List<StoreUser> users = store.users();
      long bytes = layers.stream().mapToLong(LayerInfo::diffSizeBytes).sum();
      print(
          out -> {
            out.line("Root: " + store.root());
            out.line("Driver: " + choice.driver());
            out.line("  chosen: " + choice.reason());
            for (Map.Entry<String, String> other : rejected(choice).entrySet()) {
              out.line("  not " + other.getKey() + ": " + other.getValue());
            }
            for (DriverStatus.Fact fact : status.facts()) {
              out.line("  " + fact.name() + ": " + fact.value());
            }
            out.line("Layers: " + layers.size() + " (" + Show.size(bytes) + ")");
            out.line("Read-write layers: " + rwLayers);
            out.line("Images: " + images);
            for (StoreUser user : users) {
              if (!user.isThisStore()) {
                out.line("Used by: " + user.describe() + (user.isExclusive() ? ", alone" : ""));
                for (String hold : user.holds()) {
                  out.line("  " + hold);
                }
              }
            }
            out.line("Recovery: " + (recovery.isClean() ? "nothing to do" : ""));
            for (RecoveryReport.Finding finding : recovery.findings()) {
              out.line("  " + finding.kind() + " " + finding.id() + ": " + finding.detail());
            }
          },
          json -> {
            json.writeStringField("root", store.root().toString());
            json.writeStringField("driver", choice.driver());
            json.writeStringField("reason", choice.reason());
            Show.map(json, "rejected", choice.rejected());
            status(json, status);
            json.writeNumberField("layers", layers.size());
            json.writeNumberField("layersSizeBytes", bytes);
            json.writeNumberField("rwLayers", rwLayers);
            json.writeNumberField("images", images);
            users(json, users);
            recovery(json, recovery);
          });
    }
    return 0;
  }

  private static Map<String, String> rejected(DriverChoice choice) {
    return new TreeMap<>(choice.rejected());
  }

  private static void status(JsonGenerator json, DriverStatus status) throws IOException {
    json.writeArrayFieldStart("status");
    for (DriverStatus.Fact fact : status.facts()) {
      json.writeStartObject();
      json.writeStringField("name", fact.name());
      json.writeStringField("value", fact.value());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void users(JsonGenerator json, List<StoreUser> users) throws IOException {
    json.writeArrayFieldStart("users");
    for (StoreUser user : users) {
      json.writeStartObject();
      json.writeNumberField("pid", user.pid());
      json.writeStringField("command", user.command());
      json.writeStringField("since", user.since().toString());
      json.writeBooleanField("exclusive", user.isExclusive());
      json.writeBooleanField("self", user.isThisStore());
      Show.strings(json, "holds", user.holds());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void recovery(JsonGenerator json, RecoveryReport recovery) throws IOException {
    json.writeArrayFieldStart("recovery");
    for (RecoveryReport.Finding finding : recovery.findings()) {
      json.writeStartObject();
      json.writeStringField("kind", finding.kind().name());
      json.writeStringField("id", finding.id());
      json.writeStringField("detail", finding.detail());
      json.writeEndObject();
    }
    json.writeEndArray();
  }
}
