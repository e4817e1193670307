package io.layerstore.core.share;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;

/** A user of a root in a process of its own, which does what it reads from its standard input. */
final class PeerProgram {

  private PeerProgram() {}

  /** Takes the root, and whether to join exclusively. */
  public static void main(String[] args) throws Exception {
    Participant participant =
        Participant.join(Path.of(args[0]), "layerstore", Boolean.parseBoolean(args[1]));
    participant.opened();
    System.out.println("in");
    Deque<Runnable> locks = new ArrayDeque<>();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ", 3);
      switch (words[0]) {
        case "claim" -> participant.claim(ClaimKind.valueOf(words[1]), words[2]);
        case "lock" -> locks.push(participant.lock(ClaimKind.valueOf(words[1]), words[2]));
        case "unlock" -> locks.pop().run();
        case "count" -> count(participant, words[1], Integer.parseInt(words[2]));
        case "child" -> new ProcessBuilder("sleep", "600").start();
        case "close" -> participant.close();
        default -> throw new IllegalArgumentException(line);
      }
      System.out.println("done");
    }
  }

  /** Counts in a file that is read and written without any other care. */
  static void count(Participant participant, String file, int times) throws Exception {
    Path path = Path.of(file);
    for (int i = 0; i < times; i++) {
      Runnable held = participant.lock(ClaimKind.IMAGES, "counter");
      int before = Integer.parseInt(java.nio.file.Files.readString(path));
      java.nio.file.Files.writeString(path, Integer.toString(before + 1));
      held.run();
    }
  }
}
