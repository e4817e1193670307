package io.layerstore.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.LayerPath;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

final class PathSetTest {

  private final PathSet set = new PathSet(1, 2);

  private static LayerPath path(int i) {
    return LayerPath.of("usr/share/doc/package-" + i % 97 + "/file-" + i);
  }

  @Nested
  final class Add {

    @Test
    void add_newPath_isTrue() {
      assertTrue(set.add(LayerPath.of("a/b")));
    }

    @Test
    void add_samePathAgain_isFalse() {
      set.add(LayerPath.of("a/b"));
      assertFalse(set.add(LayerPath.of("a/b")));
      assertEquals(1, set.size());
    }

    @Test
    void add_root_isAPathLikeOthers() {
      assertTrue(set.add(LayerPath.ROOT));
      assertFalse(set.add(LayerPath.ROOT));
    }

    @Test
    void add_manyPaths_eachIsNewOnce() {
      for (int i = 0; i < 200_000; i++) {
        assertTrue(set.add(path(i)), "path " + i);
      }
      for (int i = 0; i < 200_000; i++) {
        assertFalse(set.add(path(i)), "path " + i);
      }
      assertEquals(200_000, set.size());
    }

    @Test
    void add_manyPaths_takesAtMost16BytesEach() {
      for (int i = 0; i < 200_000; i++) {
        set.add(path(i));
        if (i >= 100) {
          assertTrue(set.sizeBytes() <= 16L * set.size(), set.sizeBytes() + " for " + set.size());
        }
      }
    }
  }

  @Nested
  final class Contains {

    @Test
    void contains_empty_isFalse() {
      assertFalse(set.contains(LayerPath.of("a")));
    }

    @Test
    void contains_added_isTrue() {
      for (int i = 0; i < 10_000; i++) {
        set.add(path(i));
      }
      for (int i = 0; i < 10_000; i++) {
        assertTrue(set.contains(path(i)), "path " + i);
      }
    }

    @Test
    void contains_notAdded_isFalse() {
      for (int i = 0; i < 10_000; i++) {
        set.add(path(i));
      }
      for (int i = 10_000; i < 20_000; i++) {
        assertFalse(set.contains(path(i)), "path " + i);
      }
    }

    @Test
    void contains_pathAndParent_areDifferent() {
      set.add(LayerPath.of("a/b"));
      assertFalse(set.contains(LayerPath.of("a")));
    }
  }

  @Nested
  final class Key {

    @Test
    void newSets_haveKeysOfTheirOwn() {
      assertTrue(new PathSet().hash(LayerPath.of("a")) != new PathSet().hash(LayerPath.of("a")));
    }

    @Test
    void hash_isSipHash24() {
      // The vector for 15 bytes in the appendix of the SipHash paper.
      PathSet vector = new PathSet(0x0706050403020100L, 0x0f0e0d0c0b0a0908L);
      byte[] input = new byte[15];
      for (int i = 0; i < input.length; i++) {
        input[i] = (byte) i;
      }
      assertEquals(0xa129ca6149be45e5L, vector.hash(java.nio.ByteBuffer.wrap(input)));
    }
  }
}
