package io.layerstore.core.image.change;

import io.layerstore.BuildOptions;
import io.layerstore.core.json.JsonSyntaxException;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Member;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import io.layerstore.core.json.ObjEditor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Applies Dockerfile instructions to the part of an image's configuration that says how to run it.
 *
 * <p>What {@code docker commit --change} and {@code docker import --change} take: CMD, ENTRYPOINT,
 * ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR. Members that they
 * do not concern stay as they are. Checked against moby v20.10.24, {@code builder/dockerfile}.
 *
 * <p>CMD and ENTRYPOINT alone take the command and the entry point away. Docker does so for the
 * entry point; for the command it leaves a shell that waits for one, which nobody wants.
 */
public final class ConfigChanges {

  /** The order of members that Docker writes. */
  private static final List<String> ORDER =
      List.of(
          "Hostname",
          "Domainname",
          "User",
          "AttachStdin",
          "AttachStdout",
          "AttachStderr",
          "ExposedPorts",
          "Tty",
          "OpenStdin",
          "StdinOnce",
          "Env",
          "Cmd",
          "Healthcheck",
          "ArgsEscaped",
          "Image",
          "Volumes",
          "WorkingDir",
          "Entrypoint",
          "NetworkDisabled",
          "MacAddress",
          "OnBuild",
          "Labels",
          "StopSignal",
          "StopTimeout",
          "Shell");

  private static final List<String> DEFAULT_SHELL = List.of("/bin/sh", "-c");

  private final ObjEditor run;
  private boolean hasCmd;

  private ConfigChanges(Obj run) {
    this.run = new ObjEditor(run);
  }

  /**
   * Applies {@code changes} one after the other.
   *
   * @param run the member {@code config} of an image configuration
   * @throws IllegalArgumentException if one is not valid; the message has it and says why
   */
  public static Obj apply(Obj run, List<String> changes) {
    ConfigChanges result = new ConfigChanges(run);
    List<Instruction> instructions = Instruction.parse(changes);
    if (instructions.isEmpty() && !changes.isEmpty()) {
      throw new IllegalArgumentException("invalid changes: no instruction is in them");
    }
    for (Instruction instruction : instructions) {
      try {
        result.apply(instruction);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "invalid change \""
                + instruction.title()
                + (instruction.rest().isEmpty() ? "" : " " + instruction.rest())
                + "\": "
                + e.getMessage(),
            e);
      }
    }
    return result.run.withFirst(ORDER);
  }

  /** Sets what {@code options} have of how an image is run. */
  public static Obj set(Obj run, BuildOptions options) {
    ConfigChanges result = new ConfigChanges(run);
    result.set(options);
    return result.run.withFirst(ORDER);
  }

  private void set(BuildOptions options) {
    options.entrypoint().ifPresent(words -> setWords("Entrypoint", words));
    options.command().ifPresent(words -> setWords("Cmd", words));
    options.workingDirectory().ifPresent(path -> run.set("WorkingDir", new Text(path)));
    options.user().ifPresent(user -> run.set("User", new Text(user)));
    options.environment().forEach(this::setVariable);
    SortedMap<String, JsonValue> labels = members("Labels");
    options.labels().forEach((name, value) -> labels.put(name, new Text(value)));
    setMembersUnlessNone("Labels", labels);
    SortedMap<String, JsonValue> ports = members("ExposedPorts");
    options.ports().forEach(port -> ports.put(port, Obj.EMPTY));
    setMembersUnlessNone("ExposedPorts", ports);
    SortedMap<String, JsonValue> volumes = members("Volumes");
    options.volumes().forEach(path -> volumes.put(path, Obj.EMPTY));
    setMembersUnlessNone("Volumes", volumes);
  }

  private void setMembersUnlessNone(String name, SortedMap<String, JsonValue> members) {
    if (!members.isEmpty()) {
      setMembers(name, members);
    }
  }

  private void setWords(String name, List<String> words) {
    if (words.isEmpty()) {
      run.remove(name);
    } else {
      run.set(name, Array.ofTexts(words));
    }
  }

  private void setVariable(String name, String value) {
    List<String> lines = new ArrayList<>(run.texts("Env"));
    lines.removeIf(line -> line.startsWith(name + "="));
    lines.add(name + "=" + value);
    run.set("Env", Array.ofTexts(lines));
  }

  private void apply(Instruction instruction) {
    if (!instruction.name().equals("healthcheck") && !instruction.flags().isEmpty()) {
      throw new IllegalArgumentException("unknown flag " + instruction.flags().get(0));
    }
    String rest = instruction.rest();
    switch (instruction.name()) {
      case "cmd" -> cmd(rest);
      case "entrypoint" -> entrypoint(rest);
      case "env" -> env(rest);
      case "expose" -> expose(rest);
      case "healthcheck" -> run.set("Healthcheck", Healthcheck.parse(instruction));
      case "label" -> label(rest);
      case "onbuild" -> onBuild(rest);
      case "stopsignal" -> stopSignal(rest);
      case "user" -> run.set("User", new Text(expand(requireArgument(rest))));
      case "volume" -> volume(rest);
      case "workdir" -> workdir(rest);
      default ->
          throw new IllegalArgumentException(
              "not one of CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL,"
                  + " USER, VOLUME and WORKDIR");
    }
  }

  private static String requireArgument(String rest) {
    if (rest.isEmpty()) {
      throw new IllegalArgumentException("its argument is missing");
    }
    return rest;
  }

  private void cmd(String rest) {
    List<String> words = command(rest);
    if (words.isEmpty()) {
      run.remove("Cmd");
    } else {
      run.set("Cmd", Array.ofTexts(words));
    }
    run.remove("ArgsEscaped");
    hasCmd = true;
  }

  private void entrypoint(String rest) {
    List<String> words = command(rest);
    if (words.isEmpty()) {
      run.remove("Entrypoint");
    } else {
      run.set("Entrypoint", Array.ofTexts(words));
    }
    run.remove("ArgsEscaped");
    // The command of the image below was meant for its own entry point.
    if (!hasCmd) {
      run.remove("Cmd");
    }
  }

  /** The words of a command; none if the instruction stands alone, which takes the command away. */
  private List<String> command(String rest) {
    List<String> words = rest.isEmpty() ? List.of() : jsonArray(rest);
    if (words != null) {
      return words;
    }
    List<String> shell = run.texts("Shell");
    List<String> withShell = new ArrayList<>(shell.isEmpty() ? DEFAULT_SHELL : shell);
    withShell.add(rest);
    return withShell;
  }

  /**
   * The strings of a JSON array; null if {@code rest} is none.
   *
   * @throws IllegalArgumentException if it has anything but strings
   */
  static @Nullable List<String> jsonArray(String rest) {
    if (!rest.startsWith("[")) {
      return null;
    }
    JsonValue value;
    try {
      value = JsonValue.parseFirst(rest);
    } catch (JsonSyntaxException e) {
      // Not the form with brackets, then: a shell may begin a command with one, too.
      return null;
    }
    List<String> words = new ArrayList<>();
    if (value instanceof Array array) {
      for (JsonValue element : array.elements()) {
        if (!(element instanceof Text text)) {
          throw new IllegalArgumentException("a list in JSON can have strings only");
        }
        words.add(text.text());
      }
    }
    return words;
  }

  private void env(String rest) {
    List<String> before = run.texts("Env");
    List<String> after = new ArrayList<>(before);
    for (Map.Entry<String, String> pair : pairs(rest)) {
      String name = Expansion.word(pair.getKey(), before);
      String variable = name + "=" + Expansion.word(pair.getValue(), before);
      requireName(name);
      int index = 0;
      while (index < after.size() && !nameOf(after.get(index)).equals(name)) {
        index++;
      }
      if (index < after.size()) {
        after.set(index, variable);
      } else {
        after.add(variable);
      }
    }
    run.set("Env", Array.ofTexts(after));
  }

  private static String nameOf(String variable) {
    int equals = variable.indexOf('=');
    return equals < 0 ? variable : variable.substring(0, equals);
  }

  private static void requireName(String name) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("a name is empty");
    }
  }

  /** Names with values: {@code name=value} as often as needed, or one name and its value. */
  private static List<Map.Entry<String, String>> pairs(String rest) {
    List<String> words = Instruction.words(requireArgument(rest));
    if (!words.get(0).contains("=")) {
      String[] parts = Instruction.SPACE.split(rest, 2);
      if (parts.length < 2) {
        throw new IllegalArgumentException("the value is missing");
      }
      return List.of(Map.entry(parts[0], parts[1]));
    }
    List<Map.Entry<String, String>> pairs = new ArrayList<>();
    for (String word : words) {
      int equals = word.indexOf('=');
      if (equals < 0) {
        throw new IllegalArgumentException("\"" + word + "\" is not of the form name=value");
      }
      if (equals == 0) {
        throw new IllegalArgumentException("a name is empty");
      }
      pairs.add(Map.entry(word.substring(0, equals), word.substring(equals + 1)));
    }
    return pairs;
  }

  private void label(String rest) {
    SortedMap<String, JsonValue> labels = members("Labels");
    for (Map.Entry<String, String> pair : pairs(rest)) {
      String name = expand(pair.getKey());
      requireName(name);
      labels.put(name, new Text(expand(pair.getValue())));
    }
    setMembers("Labels", labels);
  }

  private void expose(String rest) {
    SortedMap<String, JsonValue> ports = members("ExposedPorts");
    for (String word : Instruction.SPACE.split(requireArgument(rest), -1)) {
      for (String port : Expansion.words(word, run.texts("Env"))) {
        if (!port.isEmpty()) {
          Ports.parse(port).forEach(each -> ports.put(each, Obj.EMPTY));
        }
      }
    }
    setMembers("ExposedPorts", ports);
  }

  private void volume(String rest) {
    List<String> paths = jsonArray(requireArgument(rest));
    if (paths == null) {
      paths = List.of(Instruction.SPACE.split(rest, -1));
    }
    requireArgument(String.join("", paths));
    SortedMap<String, JsonValue> volumes = members("Volumes");
    for (String path : paths) {
      String expanded = expand(path.strip()).strip();
      if (expanded.isEmpty()) {
        throw new IllegalArgumentException("a volume's path is empty");
      }
      volumes.put(expanded, Obj.EMPTY);
    }
    setMembers("Volumes", volumes);
  }

  private SortedMap<String, JsonValue> members(String name) {
    SortedMap<String, JsonValue> members = new TreeMap<>();
    run.object(name).members().forEach(member -> members.put(member.name(), member.value()));
    return members;
  }

  private void setMembers(String name, SortedMap<String, JsonValue> members) {
    List<Member> list = new ArrayList<>();
    members.forEach((key, value) -> list.add(new Member(key, value)));
    run.set(name, new Obj(list));
  }

  private void onBuild(String rest) {
    String instruction = Instruction.parse(List.of(requireArgument(rest))).get(0).name();
    switch (instruction) {
      case "onbuild", "from", "maintainer" ->
          throw new IllegalArgumentException("ONBUILD cannot take this instruction");
      default -> {
        List<String> triggers = new ArrayList<>(run.texts("OnBuild"));
        triggers.add(rest);
        run.set("OnBuild", Array.ofTexts(triggers));
      }
    }
  }

  private void stopSignal(String rest) {
    String signal = expand(requireArgument(rest));
    Signals.require(signal);
    run.set("StopSignal", new Text(signal));
  }

  private void workdir(String rest) {
    String path = expand(requireArgument(rest));
    if (path.isEmpty()) {
      throw new IllegalArgumentException("the path is empty");
    }
    run.set(
        "WorkingDir",
        new Text(path.startsWith("/") ? path : join("/" + run.text("WorkingDir") + "/" + path)));
  }

  /** An absolute path without {@code .}, {@code ..} and surplus slashes. */
  private static String join(String path) {
    List<String> names = new ArrayList<>();
    for (String name : path.split("/", -1)) {
      if (name.equals("..")) {
        if (!names.isEmpty()) {
          names.remove(names.size() - 1);
        }
      } else if (!name.isEmpty() && !name.equals(".")) {
        names.add(name);
      }
    }
    return "/" + String.join("/", names);
  }

  private String expand(String word) {
    return Expansion.word(word, run.texts("Env"));
  }
}
