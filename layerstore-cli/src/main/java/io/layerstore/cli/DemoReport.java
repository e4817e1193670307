package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** What the demo did, step by step: printed as it happens or, as JSON, at the end. */
final class DemoReport {
  private final Output output;
  private final boolean json;
  private final List<Step> steps = new ArrayList<>();

  private record Step(
      String title, String java, String shell, List<String> results, List<Check> checks) {}

  private record Check(String claim, boolean holds) {}

  DemoReport(Output output, boolean json) {
    this.output = output;
    this.json = json;
  }

  /** Begins a step that can be done by these Java statements or by this shell command. */
  void step(String title, String java, String shell) throws IOException {
    steps.add(new Step(title, java, shell, new ArrayList<>(), new ArrayList<>()));
    say("");
    say(steps.size() + ". " + title);
    say("   Java:  " + java);
    say("   Shell: " + shell);
  }

  /** Adds a line to what the step gave. */
  void result(String line) throws IOException {
    last().results().add(line);
    say("     " + line);
  }

  /** Adds something that must be so. */
  void check(String claim, boolean holds) throws IOException {
    last().checks().add(new Check(claim, holds));
    say("     " + (holds ? "ok: " : "DIFFERENT: ") + claim);
  }

  /** Prints the outcome, and returns whether all checks hold. */
  boolean finish() throws IOException {
    List<Check> checks = steps.stream().flatMap(step -> step.checks().stream()).toList();
    long different = checks.stream().filter(check -> !check.holds()).count();
    if (json) {
      output.print(out -> {}, generator -> write(generator, different == 0));
    } else {
      say("");
      say(
          different == 0
              ? "Verified: all " + checks.size() + " checks hold."
              : different + " of " + checks.size() + " checks do not hold.");
    }
    return different == 0;
  }

  private Step last() {
    return steps.get(steps.size() - 1);
  }

  private void say(String line) throws IOException {
    if (!json) {
      output.line(line);
      output.flush();
    }
  }

  private void write(JsonGenerator generator, boolean verified) throws IOException {
    generator.writeBooleanField("verified", verified);
    generator.writeArrayFieldStart("steps");
    for (Step step : steps) {
      generator.writeStartObject();
      generator.writeStringField("title", step.title());
      generator.writeStringField("java", step.java());
      generator.writeStringField("shell", step.shell());
      Show.strings(generator, "results", step.results());
      generator.writeArrayFieldStart("checks");
      for (Check check : step.checks()) {
        generator.writeStartObject();
        generator.writeStringField("claim", check.claim());
        generator.writeBooleanField("holds", check.holds());
        generator.writeEndObject();
      }
      generator.writeEndArray();
      generator.writeEndObject();
    }
    generator.writeEndArray();
  }
}
