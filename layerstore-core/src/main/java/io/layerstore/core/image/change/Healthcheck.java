package io.layerstore.core.image.change;

import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Num;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.ObjEditor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** The instruction {@code HEALTHCHECK}. */
final class Healthcheck {

  private static final Map<String, String> DURATIONS =
      Map.of("interval", "Interval", "timeout", "Timeout", "start-period", "StartPeriod");
  private static final List<String> ORDER =
      List.of("Test", "Interval", "Timeout", "StartPeriod", "Retries");
  private static final long MIN_NANOS = 1_000_000;
  private static final Pattern RETRIES = Pattern.compile("[0-9]{1,9}");

  private Healthcheck() {}

  /** The member {@code Healthcheck}. */
  static Obj parse(Instruction instruction) {
    Set<String> names = new HashSet<>();
    for (String flag : instruction.flags()) {
      String name = flag.split("=", 2)[0];
      if (!names.add(name)) {
        throw new IllegalArgumentException(name + " is there twice");
      }
    }
    String[] parts = Instruction.SPACE.split(instruction.rest(), 2);
    String rest = parts.length < 2 ? "" : parts[1];
    ObjEditor health = new ObjEditor(Obj.EMPTY);
    switch (parts[0].toUpperCase(Locale.ROOT)) {
      case "NONE" -> {
        if (!rest.isEmpty()) {
          throw new IllegalArgumentException("NONE takes no arguments");
        }
        // Docker looks at flags and keeps nothing of them.
        instruction.flags().forEach(flag -> setFlag(new ObjEditor(Obj.EMPTY), flag));
        health.set("Test", Array.ofTexts(List.of("NONE")));
      }
      case "CMD" -> {
        health.set("Test", Array.ofTexts(test(rest)));
        instruction.flags().forEach(flag -> setFlag(health, flag));
      }
      case "" -> throw new IllegalArgumentException("its argument is missing");
      default -> throw new IllegalArgumentException("neither CMD nor NONE");
    }
    return health.withFirst(ORDER);
  }

  private static List<String> test(String rest) {
    List<String> test = new ArrayList<>();
    List<String> words = ConfigChanges.jsonArray(rest);
    if (words != null) {
      test.add("CMD");
      test.addAll(words);
    } else if (!rest.isEmpty()) {
      test.add("CMD-SHELL");
      test.add(rest);
    }
    if (test.size() < 2) {
      throw new IllegalArgumentException("the command is missing after CMD");
    }
    return test;
  }

  private static void setFlag(ObjEditor health, String flag) {
    int equals = flag.indexOf('=');
    String name = equals < 0 ? flag.substring(2) : flag.substring(2, equals);
    String value = equals < 0 ? "" : flag.substring(equals + 1);
    String duration = DURATIONS.get(name);
    if (duration == null && !name.equals("retries")) {
      throw new IllegalArgumentException("unknown flag " + flag);
    }
    if (equals < 0) {
      throw new IllegalArgumentException("the value is missing after " + flag);
    }
    if (value.isEmpty()) {
      return;
    }
    if (duration != null) {
      long nanos = GoDuration.parse(value);
      if (nanos != 0 && nanos < MIN_NANOS) {
        throw new IllegalArgumentException("--" + name + " is less than 1ms");
      }
      setUnlessZero(health, duration, nanos);
    } else {
      if (!RETRIES.matcher(value).matches() || Integer.parseInt(value) < 1) {
        throw new IllegalArgumentException("--retries must be a number of at least 1");
      }
      setUnlessZero(health, "Retries", Integer.parseInt(value));
    }
  }

  private static void setUnlessZero(ObjEditor health, String name, long number) {
    if (number == 0) {
      health.remove(name);
    } else {
      health.set(name, new Num(Long.toString(number)));
    }
  }
}
