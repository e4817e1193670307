package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ByteString;
import io.layerstore.IdMapping;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.overlay2.linux.wire.Conversation;
import io.layerstore.overlay2.linux.wire.Errno;
import io.layerstore.overlay2.linux.wire.FrameBuilder;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import io.layerstore.overlay2.linux.wire.HelperServer;
import io.layerstore.overlay2.linux.wire.HelperStart;
import io.layerstore.overlay2.linux.wire.Protocol;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.HelperFailureException;
import io.layerstore.spi.TreeEntry;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.LibraryThreads;
import io.layerstore.testing.RecordingWriteContext;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The process itself: how it starts, what it inherits, and how it ends when either side goes wrong.
 */
final class HelperProcessTest {

  private static final Duration SHORT = Duration.ofMillis(200);
  private static final Duration LONG = Duration.ofSeconds(30);

  /** HELLO of protocol 3, as printf takes it. */
  private static final String HELLO =
      "\\014\\0\\0\\0\\001\\200\\0\\0\\0\\0\\0\\0\\003\\0\\0\\0\\001\\0\\0\\0\\0\\0\\0\\0";

  @TempDir Path home;

  private @Nullable HelperServer server;

  /** The real one, which the first call starts. */
  private HelperServer server() {
    if (server == null) {
      server = Helpers.server(UserNamespace.NONE);
    }
    return server;
  }

  @AfterEach
  void endServer() {
    if (server != null) {
      server.close();
    }
  }

  private HelperStart start() {
    return HelperStart.inHome(HelperStart.Mode.MOUNT, home);
  }

  private static boolean isThere(long pid) {
    return Files.exists(Path.of("/proc", Long.toString(pid)));
  }

  /** Waits for the end of a process that is not a child of this one: init may leave a zombie. */
  private static void awaitEnd(long pid) {
    while (isThere(pid) && !isZombie(pid)) {
      Thread.onSpinWait();
    }
  }

  private static boolean isZombie(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2) == 'Z';
    } catch (IOException e) {
      return false; // It is not there any more.
    }
  }

  /** A program that takes the place of the helper. */
  private Path fake(String script) throws IOException {
    assumeTrue(Files.exists(Path.of("/bin/sh")), "needs a shell");
    Path program = home.resolve("fake");
    Files.writeString(program, "#!/bin/sh\n" + script + "\n");
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    return program;
  }

  private HelperFailureException failureOf(String script) throws IOException {
    Path program = fake(script);
    return assertThrows(
        HelperFailureException.class,
        () -> HelperProcess.start(program, false, IdMapping.IDENTITY, LONG));
  }

  @Nested
  class Start {

    @Test
    void start_programMissing_namesIt() {
      Path missing = home.resolve("missing");
      HelperFailureException e =
          assertThrows(
              HelperFailureException.class,
              () -> HelperProcess.start(missing, false, IdMapping.IDENTITY));
      assertTrue(e.getMessage().contains(missing.toString()));
    }

    @Test
    void start_programNotExecutable_explains() throws IOException {
      Path file = Files.writeString(home.resolve("file"), "x");
      HelperFailureException e =
          assertThrows(
              HelperFailureException.class,
              () -> HelperProcess.start(file, false, IdMapping.IDENTITY));
      assertEquals(Errno.EACCES, e.errno());
      assertTrue(e.getMessage().contains(HelperBinary.PROPERTY));
    }

    @Test
    void start_endsAtOnce_tellsStatusAndWhatItSaid() throws IOException {
      HelperFailureException e = failureOf("echo 'it is raining' >&2; exit 7");
      assertTrue(e.getMessage().contains("status 7"), e::getMessage);
      assertTrue(e.getMessage().contains("it is raining"), e::getMessage);
    }

    @Test
    void start_saysTooMuchToItsErrorStream_isCut() throws IOException {
      HelperFailureException e =
          failureOf(
              "i=0; while [ $i -lt 3000 ]; do printf '%0200d' 0 >&2; i=$((i+1)); done; exit 1");
      assertTrue(e.getMessage().length() < 70_000);
    }

    @Test
    void start_garbage_isFailure() throws IOException {
      HelperFailureException e = failureOf("echo 'usage: something else entirely'; cat >/dev/null");
      assertTrue(e.getMessage().contains("invalid frame header"), e::getMessage);
    }

    @Test
    void start_anotherVersion_isFailure() throws IOException {
      failureOf(
          "printf '"
              + HELLO.replace("\\003\\0\\0\\0\\001\\0\\0\\0", "\\004\\0\\0\\0\\001\\0\\0\\0")
              + "'; cat >/dev/null");
    }

    @Test
    void start_endsInsideAFrame_isFailure() throws IOException {
      HelperFailureException e = failureOf("printf '\\014\\0\\0\\0\\001'");
      assertTrue(e.getMessage().contains("inside a frame"), e::getMessage);
    }

    @Test
    void start_neverAnswers_isKilledInTime() throws IOException {
      Path program = fake("exec sleep 1000");
      HelperFailureException e =
          assertThrows(
              HelperFailureException.class,
              () -> HelperProcess.start(program, false, IdMapping.IDENTITY, SHORT));
      assertTrue(e.getMessage().contains("no answer"), e::getMessage);
    }

    @Test
    void start_interrupted_endsTheProcess() throws IOException {
      Path program = fake("exec sleep 1000");
      Thread.currentThread().interrupt();
      assertThrows(
          OperationInterruptedException.class,
          () -> HelperProcess.start(program, false, IdMapping.IDENTITY, LONG));
      assertTrue(Thread.interrupted());
    }

    @Test
    void start_homeMissing_isFailureWithErrno() throws IOException {
      HelperStart missing = HelperStart.inHome(HelperStart.Mode.MOUNT, home.resolve("missing"));
      HelperFailureException e =
          assertThrows(HelperFailureException.class, () -> server().start(missing));
      assertEquals(Errno.ENOENT, e.errno());
      assertEquals("open driver home", e.stage());
    }
  }

  @Nested
  class Inherit {

    private HelperProcess mount() throws LayerStoreException {
      return server().start(start());
    }

    @Test
    void start_environment_isEmpty() throws IOException {
      try (HelperProcess helper = mount()) {
        assertEquals("", Files.readString(Path.of("/proc/" + helper.pid() + "/environ")));
      }
    }

    @Test
    void start_descriptors_areItsOwn() throws IOException {
      try (HelperProcess helper = mount()) {
        assertEquals(
            List.of("0", "1", "2", "3"), Helpers.names(Path.of("/proc/" + helper.pid() + "/fd")));
        assertEquals(
            home.toRealPath(), Files.readSymbolicLink(Path.of("/proc/" + helper.pid() + "/fd/3")));
      }
    }

    @Test
    void start_signalsAndSession_areItsOwn() throws IOException {
      try (HelperProcess helper = mount()) {
        String status = Files.readString(Path.of("/proc/" + helper.pid() + "/status"));
        assertTrue(status.contains("SigBlk:\t0000000000000000"), status);
        assertTrue(status.contains("NoNewPrivs:\t1"), status);
        String stat = Files.readString(Path.of("/proc/" + helper.pid() + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        assertEquals(fields[1], fields[3], "its parent leads its session");
      }
    }

    @Test
    void startApply_asRoot_keepsOnlyWhatItNeeds() throws IOException {
      Helpers.assumeRoot();
      Helpers.makeLayer(home, "layer", Helpers.link(1), false);
      HelperStart apply =
          HelperStart.inLayer(HelperStart.Mode.APPLY, home, "layer", Protocol.TREE_DIFF);
      try (HelperProcess helper = server().start(apply)) {
        String status = Files.readString(Path.of("/proc/" + helper.pid() + "/status"));
        // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SYS_ADMIN, MKNOD, SETFCAP
        assertTrue(status.contains("CapEff:\t000000008820001b"), status);
        assertTrue(status.contains("CapBnd:\t000000008820001b"), status);
        assertTrue(status.contains("Seccomp:\t2"), status);
        Path root = Path.of("/proc/" + helper.pid() + "/root");
        assertEquals(List.of(), Helpers.names(root), "sees nothing but the layer");
        assertEquals(
            List.of("0", "1", "2", "3"), Helpers.names(Path.of("/proc/" + helper.pid() + "/fd")));
      }
    }
  }

  @Nested
  class Close {

    @Test
    void close_leavesNoProcess() throws IOException {
      HelperProcess helper = server().start(start());
      assertTrue(isThere(helper.pid()));
      helper.close();
      assertFalse(isThere(helper.pid()), "not even a zombie");
    }

    @Test
    void kill_leavesNoProcess() throws IOException {
      HelperProcess helper = server().start(start());
      helper.kill();
      assertFalse(isThere(helper.pid()), "not even a zombie");
      helper.kill();
      helper.close();
    }

    @Test
    void close_leavesNoThread() throws IOException {
      LibraryThreads threads = LibraryThreads.now();
      HelperProcess helper = server().start(start());
      helper.close();
      server().close();
      assertEquals(List.of(), threads.begunSince());
    }

    @Test
    void closeOfServer_conversationOpen_endsWithThat() throws IOException {
      HelperProcess helper = server().start(start());
      long pid = server().pid();
      server().close();
      Ask.ask(new Conversation(helper, LONG));
      helper.close();
      assertFalse(isThere(helper.pid()));
      assertFalse(isThere(pid));
    }

    @Test
    void serverKilled_itsProcessesEndAndTheNextRequestStartsAnother() throws IOException {
      HelperProcess sync = server().start(HelperStart.inHome(HelperStart.Mode.SYNC, home));
      long pid = server().pid();
      ProcessHandle.of(pid).orElseThrow().destroyForcibly();
      awaitEnd(sync.pid());
      assertThrows(HelperFailureException.class, () -> sync.next(LONG));
      try (HelperProcess other = server().start(start())) {
        assertTrue(other.isAlive());
        assertNotEquals(pid, server().pid());
      }
    }

    @Test
    void start_aThousandTimes_leavesNoDescriptorAndNoProcess() throws IOException {
      server().start(start()).close();
      Path descriptors = Path.of("/proc/" + server().pid() + "/fd");
      List<String> before = Helpers.names(descriptors);
      int own = Helpers.names(Path.of("/proc/self/fd")).size();
      for (int i = 0; i < 1000; i++) {
        server().start(HelperStart.inHome(HelperStart.Mode.SYNC, home)).close();
      }
      assertEquals(before, Helpers.names(descriptors));
      assertTrue(Helpers.names(Path.of("/proc/self/fd")).size() <= own + 2);
      assertEquals(
          0, ProcessHandle.of(server().pid()).orElseThrow().children().count(), "no zombie");
    }

    @Test
    void start_byManyThreads_eachHasItsOwnConversation() throws Exception {
      ExecutorService threads = Executors.newFixedThreadPool(8);
      try {
        Callable<Boolean> starting =
            () -> {
              for (int i = 0; i < 25; i++) {
                try (HelperProcess helper = server().start(start())) {
                  Ask.ask(new Conversation(helper, LONG));
                }
              }
              return true;
            };
        server().start();
        for (Future<Boolean> done : threads.invokeAll(Collections.nCopies(8, starting))) {
          assertTrue(done.get());
        }
      } finally {
        threads.shutdownNow();
      }
    }

    @Test
    void jvmHaltsWhileUnpacking_helperEnds() throws Exception {
      Helpers.binary();
      Helpers.namespace();
      Helpers.makeLayer(home, "base", Helpers.link(1), false);
      String output = ChildJvm.run(List.of(), UnpackingJvm.class, home).out().strip();
      long pid = Long.parseLong(output);
      awaitEnd(pid);
    }

    @Test
    void jvmHalts_helperAndMountEnd() throws Exception {
      LinuxCalls calls = Helpers.calls();
      MountSettings settings = Helpers.settings(calls, home);
      Helpers.makeLayer(home, "base", Helpers.link(1), false);
      Helpers.makeLayer(home, "top", Helpers.link(2), true);
      String output = ChildJvm.run(List.of(), HaltingJvm.class, home).out().strip();
      long pid = Long.parseLong(output);
      awaitEnd(pid);
      try (Mounts mounts = calls.openMounts(home, settings)) {
        assertEquals(List.of(), mounts.list());
      }
    }
  }

  /** Unpacks, says which process does, and is gone in the middle of an entry. */
  static final class UnpackingJvm {
    public static void main(String[] arguments) throws IOException {
      Path home = Path.of(arguments[0]);
      WriteSettings settings =
          new WriteSettings(WriteSettings.DEFAULT.idMapping(), !Helpers.isRoot(), false, 0);
      ApplyHelper writer =
          (ApplyHelper)
              Helpers.calls().openWriter(home, "base", settings, new RecordingWriteContext());
      byte[] bytes = new byte[8 << 20];
      writer.write(
          TreeEntry.file(LayerPath.of("f"), Attributes.of(0644, Instant.EPOCH), 2L * bytes.length),
          new FileContent(
              new SequenceInputStream(new ByteArrayInputStream(bytes), halting(writer.pid())),
              List.of(new FileContent.Extent(0, 2L * bytes.length))));
    }

    private static InputStream halting(long pid) {
      return new InputStream() {
        @Override
        public int read() {
          System.out.println(pid);
          Runtime.getRuntime().halt(0);
          return -1;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) {
          return read();
        }
      };
    }
  }

  /** Mounts, says which process did, and is gone. */
  static final class HaltingJvm {
    public static void main(String[] arguments) throws IOException {
      Path home = Path.of(arguments[0]);
      LinuxCalls calls = Helpers.calls();
      MountHelper mounts = (MountHelper) calls.openMounts(home, Helpers.settings(calls, home));
      mounts.mount(OverlayMount.readWrite("top", List.of(Helpers.link(1))));
      System.out.println(mounts.pid());
      Runtime.getRuntime().halt(0);
    }
  }

  @Nested
  class Die {

    @Test
    void mountHelper_killed_failsFromThenOn() throws IOException {
      LinuxCalls calls = Helpers.calls();
      Helpers.makeLayer(home, "layer", Helpers.link(1), false);
      MountHelper mounts =
          (MountHelper) calls.openMounts(home, new MountSettings(false, false, false, false, 0, 0));
      ProcessHandle.of(mounts.pid()).orElseThrow().destroyForcibly();
      assertThrows(HelperFailureException.class, mounts::list);
      HelperFailureException e =
          assertThrows(HelperFailureException.class, () -> mounts.unmount("layer", false));
      assertTrue(e.getMessage().contains("ended earlier"), e::getMessage);
      mounts.close();
      assertFalse(isThere(mounts.pid()));
    }

    /** Whether or not its end was noticed before. */
    @RepeatedTest(10)
    void server_killed_nextRequestIsServedByAnother() throws IOException {
      ProcessHandle.of(server().pid()).orElseThrow().destroyForcibly();
      server().start(start()).close();
    }

    @RepeatedTest(20)
    void applyHelper_killedAtAnyMoment_isFailure(RepetitionInfo repetition) throws IOException {
      LinuxCalls calls = Helpers.calls();
      Helpers.makeLayer(home, "layer", Helpers.link(1), false);
      Random random = new Random(repetition.getCurrentRepetition());
      int moment = random.nextInt(3000);
      byte[] bytes = "x".repeat(1 + random.nextInt(5000)).getBytes(StandardCharsets.US_ASCII);
      WriteSettings settings =
          new WriteSettings(WriteSettings.DEFAULT.idMapping(), !Helpers.isRoot(), false, 0);
      ApplyHelper writer =
          (ApplyHelper) calls.openWriter(home, "layer", settings, new RecordingWriteContext());
      HelperFailureException e =
          assertThrows(
              HelperFailureException.class,
              () -> {
                for (int i = 0; i < 3000; i++) {
                  if (i == moment) {
                    ProcessHandle.of(writer.pid()).orElseThrow().destroyForcibly();
                  }
                  writer.write(
                      TreeEntry.file(
                          LayerPath.of("d/" + i), Attributes.of(0644, Instant.EPOCH), bytes.length),
                      FileContent.dense(new ByteArrayInputStream(bytes), bytes.length));
                }
                writer.finish(0);
              });
      assertTrue(e.getMessage().contains("status 137"), e::getMessage);
      writer.close();
      assertFalse(isThere(writer.pid()));
      calls.remove(home, "layer");
      assertFalse(Files.exists(home.resolve("layer")));
    }

    @Test
    void conversation_answerToAnotherQuestion_isFailure() throws IOException {
      Path program =
          fake(
              "printf '"
                  + HELLO
                  + "'; printf '\\020\\0\\0\\0\\003\\200\\0\\0\\077\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0'; cat"
                  + " >/dev/null");
      NativeLinuxCalls calls = new NativeLinuxCalls(program, UserNamespace.NONE);
      HelperFailureException e = assertThrows(HelperFailureException.class, () -> calls.sync(home));
      assertTrue(e.getMessage().contains("another question"), e::getMessage);
    }

    @RepeatedTest(20)
    void apply_randomAnswers_areFailures(RepetitionInfo repetition) throws IOException {
      byte[] answers = new byte[4096];
      new Random(repetition.getCurrentRepetition()).nextBytes(answers);
      // Headers that could be right, so that bodies are read too.
      for (int i = 0; i + 12 < answers.length; i += 64) {
        answers[i] = 52;
        answers[i + 1] = 0;
        answers[i + 2] = 0;
        answers[i + 3] = 0;
        answers[i + 4] = (byte) (answers[i + 4] & 7);
        answers[i + 5] = (byte) 0x83;
        answers[i + 6] = 0;
        answers[i + 7] = 0;
      }
      Files.write(home.resolve("answers"), answers);
      Path program =
          fake("printf '" + HELLO + "'; cat '" + home.resolve("answers") + "'; cat >/dev/null");
      HelperStart apply =
          HelperStart.inLayer(HelperStart.Mode.APPLY, home, "layer", Protocol.TREE_DIFF);
      Process process = new ProcessBuilder(program.toString()).start();
      OwnerMapping owners = new OwnerMapping("layer", WriteSettings.DEFAULT);
      try (HelperProcess other = server().start(start());
          ApplyHelper writer =
              new ApplyHelper(
                  other.forked(apply, process).awaitReady(),
                  "layer",
                  owners,
                  new RecordingWriteContext())) {
        assertThrows(HelperFailureException.class, () -> writer.finish(0));
      }
    }
  }

  /** A helper that mounts: the thread that asks reads the answer. */
  @Nested
  class Ask {

    private static final String DONE_HEADER = "\\020\\0\\0\\0\\003\\200\\0\\0\\001\\0\\0\\0";
    private static final String DONE_BODY = "\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0";

    /** Says hello and goes on with {@code script}. */
    private HelperProcess helper(String script) throws IOException {
      return HelperProcess.start(
          fake("printf '" + HELLO + "'; " + script), false, IdMapping.IDENTITY);
    }

    /** Goes on with {@code script} only when it is known that it has said hello. */
    private HelperProcess helperThatThen(String script) throws IOException {
      Path go = home.resolve("go");
      HelperProcess helper = helper("while [ ! -e '" + go + "' ]; do sleep 0.01; done; " + script);
      Files.createFile(go);
      return helper;
    }

    private static void ask(Conversation conversation) throws LayerStoreException {
      conversation.ask(
          number -> FrameBuilder.empty(Protocol.OP_LIST, number),
          Conversation::takeDone,
          error -> error.toException(HelperProcess.DRIVER, null));
    }

    private static HelperFailureException failureOf(Conversation conversation) {
      return assertThrows(HelperFailureException.class, () -> ask(conversation));
    }

    @Test
    void ask_answerInPieces_isTaken() throws IOException {
      String body = DONE_BODY.substring(0, DONE_BODY.length() / 2);
      try (HelperProcess helper =
          helper(
              "for part in '"
                  + DONE_HEADER.substring(0, 14)
                  + "' '"
                  + DONE_HEADER.substring(14)
                  + "' '"
                  + body
                  + "' '"
                  + body
                  + "'; do printf \"$part\"; done; cat >/dev/null")) {
        ask(new Conversation(helper, LONG));
      }
    }

    @Test
    void ask_answerNeverComes_isFailureInTimeAndNoProcessStays() throws IOException {
      try (HelperProcess helper = helper("exec sleep 1000")) {
        Conversation conversation = new Conversation(helper, SHORT);
        HelperFailureException e = failureOf(conversation);
        assertTrue(e.getMessage().contains("no answer within 200 ms"), e::getMessage);
        assertFalse(isThere(helper.pid()));
        e = failureOf(conversation);
        assertTrue(e.getMessage().contains("ended earlier"), e::getMessage);
      }
    }

    /** Then killing the helper does not end its output. */
    @Test
    void ask_anotherProcessKeepsTheOutputOpen_isFailureInTime() throws IOException {
      Path pid = home.resolve("pid");
      String begin = "sleep 1000 2>/dev/null & echo $! >'" + pid + "'; printf '" + HELLO + "'; ";
      Path program = fake(begin + "exec sleep 1000");
      try (HelperProcess helper = HelperProcess.start(program, false, IdMapping.IDENTITY, LONG)) {
        HelperFailureException e = failureOf(new Conversation(helper, SHORT));
        assertTrue(e.getMessage().contains("no answer"), e::getMessage);
        assertFalse(isThere(helper.pid()));
      } finally {
        ProcessHandle.of(Long.parseLong(Files.readString(pid).strip()))
            .ifPresent(ProcessHandle::destroyForcibly);
      }
    }

    @Test
    void ask_answerStopsInTheMiddle_isFailureInTime() throws IOException {
      try (HelperProcess helper = helper("printf '" + DONE_HEADER + "'; exec sleep 1000")) {
        HelperFailureException e = failureOf(new Conversation(helper, SHORT));
        assertTrue(e.getMessage().contains("no answer"), e::getMessage);
        assertFalse(isThere(helper.pid()));
      }
    }

    @Test
    void ask_endsInTheMiddleOfTheAnswer_isFailure() throws IOException {
      try (HelperProcess helper = helperThatThen("printf '" + DONE_HEADER + "'; exit 0")) {
        HelperFailureException e = failureOf(new Conversation(helper, LONG));
        assertTrue(e.getMessage().contains("inside a frame"), e::getMessage);
        assertFalse(isThere(helper.pid()));
      }
    }

    @Test
    void ask_garbage_isFailureAndNoProcessStays() throws IOException {
      try (HelperProcess helper =
          helperThatThen("echo 'something else entirely'; exec sleep 1000")) {
        HelperFailureException e = failureOf(new Conversation(helper, LONG));
        assertTrue(e.getMessage().contains("invalid frame header"), e::getMessage);
        assertFalse(isThere(helper.pid()));
      }
    }

    @Test
    void ask_answerToAnotherQuestion_isFailure() throws IOException {
      String other = DONE_HEADER.replace("\\001", "\\077");
      try (HelperProcess helper =
          helper("printf '" + other + DONE_BODY + "'; exec cat >/dev/null")) {
        HelperFailureException e = failureOf(new Conversation(helper, LONG));
        assertTrue(e.getMessage().contains("another question"), e::getMessage);
      }
    }

    @Test
    void ask_answerWithBytesLeftOver_isFailure() throws IOException {
      String longer = DONE_HEADER.replace("\\020", "\\021");
      try (HelperProcess helper =
          helper("printf '" + longer + DONE_BODY + "\\0'; exec cat >/dev/null")) {
        HelperFailureException e = failureOf(new Conversation(helper, LONG));
        assertTrue(e.getMessage().contains("left over"), e::getMessage);
      }
    }

    /** Whenever the kill comes: before the question, or while the answer is waited for. */
    @RepeatedTest(10)
    void ask_killedMeanwhile_isFailure() throws Exception {
      try (HelperProcess helper = helper("exec sleep 1000")) {
        Conversation conversation = new Conversation(helper, LONG);
        FutureTask<HelperFailureException> asking = new FutureTask<>(() -> failureOf(conversation));
        Thread thread = new Thread(asking);
        thread.start();
        ProcessHandle.of(helper.pid()).orElseThrow().destroyForcibly();
        assertTrue(asking.get().getMessage().contains("status 137"), asking.get()::getMessage);
        thread.join();
      }
    }

    /** Whenever the interrupt comes: before the question, or while the answer is waited for. */
    @RepeatedTest(10)
    void ask_interruptedMeanwhile_isAnsweredAndStatusStays() throws Exception {
      Path go = home.resolve("go");
      try (HelperProcess helper =
          helper(
              "while [ ! -e '"
                  + go
                  + "' ]; do sleep 0.01; done; printf '"
                  + DONE_HEADER
                  + DONE_BODY
                  + "'; exec cat >/dev/null")) {
        Conversation conversation = new Conversation(helper, LONG);
        FutureTask<Boolean> asking =
            new FutureTask<>(
                () -> {
                  ask(conversation);
                  return Thread.interrupted();
                });
        Thread thread = new Thread(asking);
        thread.start();
        thread.interrupt();
        Files.createFile(go);
        assertTrue(asking.get());
        thread.join();
      }
    }

    @Test
    void ask_byManyThreads_eachHasItsAnswer() throws Exception {
      try (HelperProcess helper = server().start(start())) {
        Conversation conversation = new Conversation(helper, LONG);
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
          Callable<Boolean> asking =
              () -> {
                for (int i = 0; i < 200; i++) {
                  ask(conversation);
                }
                return true;
              };
          for (Future<Boolean> done : threads.invokeAll(Collections.nCopies(4, asking))) {
            assertTrue(done.get());
          }
        } finally {
          threads.shutdownNow();
        }
      }
    }
  }

  @Test
  void selftest_passes() throws IOException {
    String output = Helpers.output(Helpers.binary().toString(), "--selftest");
    assertTrue(output.endsWith("passed"), output);
    assertFalse(output.contains("FAILED"), output);
  }

  @Test
  void version_isPrinted() throws IOException {
    String output = Helpers.output(Helpers.binary().toString(), "--version");
    assertTrue(output.matches("layerstore-helper \\S+ protocol 3"), output);
  }

  @Test
  void protocolError_isReportedAndEndsTheHelper() throws Exception {
    Process process = new ProcessBuilder(Helpers.binary().toString(), "server").start();
    process.getOutputStream().write(new byte[100]);
    process.getOutputStream().close();
    ByteString answer = ByteString.of(process.getInputStream().readAllBytes());
    assertEquals(3, process.waitFor());
    assertTrue(answer.length() > 12);
    assertEquals(0x04, answer.at(4));
  }
}
