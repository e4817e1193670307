package io.layerstore.cli;

import io.layerstore.BuildOptions;
import io.layerstore.EntryOptions;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.LayerContent;
import io.layerstore.LayerStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code append}: makes an image of another one and files. */
final class AppendCommand extends Subcommand {
  private static final Pattern OWNER = Pattern.compile("([0-9]{1,10})(?::([0-9]{1,10}))?");

  private final OptionSpec baseOption =
      option("--base", "IMAGE", "The image to begin with. Default: none.");
  private final OptionSpec tagOption = option("--tag", "REFERENCE", "A name for the image.");
  private final OptionSpec ownerOption =
      option("--chown", "U:G", "The owner of the files, as numbers. Default: 0:0.");
  private final OptionSpec changeOption =
      repeatedOption(
          "--change",
          "INSTRUCTION",
          "A Dockerfile instruction, such as 'ENTRYPOINT [\"/app/run\"]'; may be repeated.");
  private final PositionalParamSpec filesParameter =
      remainingParameters(
          "SRC:DEST",
          "A file or directory of this machine, and the absolute path that it gets in the image;"
              + " with a slash at its end, the path of the directory it is put into.");

  AppendCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Make an image of another one and files in one layer on it. Prints its ID.",
        "The same files give the same image: times are those of 1970, or of $SOURCE_DATE_EPOCH if"
            + " that is set.");
  }

  @Override
  public Integer call() throws IOException {
    List<String> files = filesParameter.getValue();
    if (files.isEmpty()) {
      throw layerstore().wrongUsage("give at least one SRC:DEST");
    }
    @Nullable String tag = tagOption.getValue();
    Instant time = Optional.ofNullable(layerstore().latestTime()).orElse(Instant.EPOCH);
    EntryOptions entry = owned(EntryOptions.DEFAULT.withModified(time));
    LayerContent.Builder content = LayerContent.builder();
    for (String argument : files) {
      add(content, argument, entry);
    }
    @Nullable String base = baseOption.getValue();
    BuildOptions.Builder options =
        BuildOptions.builder()
            .layer(content.build(), "layerstore append " + String.join(" ", files))
            .reference(tag == null ? null : ImageReference.parse(tag))
            .created(time)
            .changes(changeOption.getValue())
            .progress(layerstore().progressBar().listener());
    try (LayerStore store = layerstore().openToAdd()) {
      if (base != null) {
        options.base(Target.image(store, base).id().toString());
      }
      Image image = store.images().build(options.build());
      print(
          out -> out.line(image.id().toString()),
          json -> ShowImage.image(json, image, store.images().references().of(image.id())));
    }
    return 0;
  }

  private EntryOptions owned(EntryOptions options) {
    @Nullable String owner = ownerOption.getValue();
    if (owner == null) {
      return options;
    }
    Matcher matcher = OWNER.matcher(owner);
    if (!matcher.matches()) {
      throw layerstore().wrongUsage("no owner: " + owner + "; give numbers, such as 1000:1000");
    }
    long uid = Long.parseLong(matcher.group(1));
    return options.withOwner(
        uid, matcher.group(2) == null ? uid : Long.parseLong(matcher.group(2)));
  }

  private void add(LayerContent.Builder content, String argument, EntryOptions options)
      throws IOException {
    int colon = argument.lastIndexOf(":/");
    if (colon <= 0 || (colon == 1 && !Files.exists(Path.of(argument.substring(0, 1))))) {
      throw layerstore()
          .wrongUsage("no SRC:DEST: " + argument + "; DEST is an absolute path in the image");
    }
    Path source = Path.of(argument.substring(0, colon));
    String target = argument.substring(colon + 1);
    boolean isInto = target.endsWith("/") && !Files.isDirectory(source);
    content.tree(isInto ? target + source.getFileName() : target, source, options);
  }
}
