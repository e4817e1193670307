package io.layerstore.testing;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/**
 * Prints, at the end of a test run, what was skipped and why, grouped by reason.
 *
 * <p>The build tool counts skipped tests but keeps their reasons in its report files. A contract
 * test that a driver cannot meet is an assumption with a reason, and the reader of a build log
 * should see which promises that run did not check. Found by the test platform as a service.
 */
public final class SkippedTestsListener implements TestExecutionListener {

  private final Map<String, Queue<String>> testsByReason = new ConcurrentSkipListMap<>();
  private volatile TestPlan plan;

  @Override
  public void testPlanExecutionStarted(TestPlan testPlan) {
    plan = testPlan;
    testsByReason.clear();
  }

  @Override
  public void executionSkipped(TestIdentifier test, String reason) {
    add(test, reason);
  }

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    if (result.getStatus() == Status.ABORTED) {
      add(test, result.getThrowable().map(Throwable::getMessage).orElse("no reason given"));
    }
  }

  @Override
  public void testPlanExecutionFinished(TestPlan testPlan) {
    StringBuilder text = new StringBuilder();
    testsByReason.forEach(
        (reason, tests) -> {
          text.append("Skipped ").append(tests.size()).append(": ").append(reason).append('\n');
          tests.stream().sorted().forEach(name -> text.append("    ").append(name).append('\n'));
        });
    System.out.print(text);
  }

  private void add(TestIdentifier test, String reason) {
    testsByReason
        .computeIfAbsent(reason.lines().findFirst().orElse(""), r -> new ConcurrentLinkedQueue<>())
        .add(name(test));
  }

  /** The display names from the test class down, for instance {@code VfsOnDiskTest > Create}. */
  private String name(TestIdentifier test) {
    Deque<String> names = new ArrayDeque<>();
    Optional<TestIdentifier> next = Optional.of(test);
    while (next.isPresent() && next.get().getParentId().isPresent()) {
      names.addFirst(next.get().getDisplayName());
      next = plan.getParent(next.get());
    }
    return String.join(" > ", names);
  }
}
