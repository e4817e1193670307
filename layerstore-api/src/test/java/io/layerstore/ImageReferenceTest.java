package io.layerstore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ImageReferenceTest {
  private static final String HEX = "0123456789abcdef".repeat(4);
  private static final Digest DIGEST = Digest.parse("sha256:" + HEX);

  @Nested
  class Parse {

    @ParameterizedTest
    @CsvSource({
      "debian, debian:latest, docker.io/library/debian:latest",
      "debian:12, debian:12, docker.io/library/debian:12",
      "library/debian, debian:latest, docker.io/library/debian:latest",
      "docker.io/debian, debian:latest, docker.io/library/debian:latest",
      "docker.io/library/debian:12, debian:12, docker.io/library/debian:12",
      "index.docker.io/debian, debian:latest, docker.io/library/debian:latest",
      "team/tool, team/tool:latest, docker.io/team/tool:latest",
      "library/team/tool, library/team/tool:latest, docker.io/library/team/tool:latest",
      "localhost/tool, localhost/tool:latest, localhost/tool:latest",
      "local/tool, local/tool:latest, docker.io/local/tool:latest",
      "host:5000/tool, host:5000/tool:latest, host:5000/tool:latest",
      "127.0.0.1:5055/foo/two:v1, 127.0.0.1:5055/foo/two:v1, 127.0.0.1:5055/foo/two:v1",
      "[::1]:5000/tool, [::1]:5000/tool:latest, [::1]:5000/tool:latest",
      "Host/tool, Host/tool:latest, Host/tool:latest",
      "example.com/a/b/c:V1.0_x-y, example.com/a/b/c:V1.0_x-y, example.com/a/b/c:V1.0_x-y",
      "a__b/c--d.e, a__b/c--d.e:latest, docker.io/a__b/c--d.e:latest",
    })
    void parse_anyForm_isNormalised(String text, String familiar, String canonical) {
      ImageReference reference = ImageReference.parse(text);

      assertEquals(familiar, reference.toString());
      assertEquals(canonical, reference.canonical());
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          ":latest",
          "UPPER",
          "team/UPPER",
          "a//b",
          "/a",
          "a/",
          "a..b",
          "a___b",
          "-a",
          "a-",
          "a:",
          "a:-tag",
          "a:.tag",
          "a:t/x",
          "a@sha256:12",
          "a@md5:0123456789abcdef0123456789abcdef",
          "a b",
          "../a",
          "a\u0000b",
          "ä",
          "host:port/tool",
          "-host.com/tool",
          "sha256",
          "sha256:" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" + "@x",
          "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        })
    void parse_invalid_isRefusedWithTheText(String text) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> ImageReference.parse(text));

      assertTrue(e.getMessage().contains("invalid image reference"), e.getMessage());
    }

    static Stream<String> tooLong() {
      return Stream.of(
          "a".repeat(256),
          "example.com/" + "a".repeat(244),
          "a:" + "t".repeat(129),
          "a-".repeat(500_000) + "a",
          "a.".repeat(500_000) + "com/b",
          "a:" + "t".repeat(1_000_000));
    }

    @ParameterizedTest
    @MethodSource("tooLong")
    void parse_tooLong_isRefused(String text) {
      assertThrows(IllegalArgumentException.class, () -> ImageReference.parse(text));
    }

    @Test
    void parse_longestAllowed_isAccepted() {
      String repository = "example.com/" + "a".repeat(243);

      assertEquals(
          repository + ":" + "t".repeat(128),
          ImageReference.parse(repository + ":" + "t".repeat(128)).toString());
    }

    @Test
    void parse_tagAndDigest_keepsTheDigest() {
      ImageReference reference = ImageReference.parse("debian:12@" + DIGEST);

      assertEquals(Optional.empty(), reference.tag());
      assertEquals(Optional.of(DIGEST), reference.digest());
      assertEquals("debian@" + DIGEST, reference.toString());
    }
  }

  @Nested
  class ParseRepository {

    @Test
    void parseRepository_withoutTag_staysARepository() {
      ImageReference repository = ImageReference.parseRepository("team/tool");

      assertTrue(repository.isRepository());
      assertEquals("team/tool", repository.toString());
    }

    @Test
    void parseRepository_withTag_keepsIt() {
      assertEquals(Optional.of("1"), ImageReference.parseRepository("team/tool:1").tag());
    }
  }

  @Nested
  class With {

    @Test
    void withTag_onDigestReference_replacesIt() {
      assertEquals("a:1", ImageReference.parse("a@" + DIGEST).withTag("1").toString());
    }

    @Test
    void withTag_noTag_isRefused() {
      ImageReference reference = ImageReference.parse("a");

      assertThrows(IllegalArgumentException.class, () -> reference.withTag("no tag"));
    }

    @Test
    void withDigest_onTag_replacesIt() {
      assertEquals("a@" + DIGEST, ImageReference.parse("a:1").withDigest(DIGEST).toString());
    }
  }

  @Nested
  class Equality {

    @Test
    void equals_sameImageInOtherForms_isEqual() {
      ImageReference shortForm = ImageReference.parse("debian");
      ImageReference longForm = ImageReference.parse("docker.io/library/debian:latest");

      assertEquals(shortForm, longForm);
      assertEquals(shortForm.hashCode(), longForm.hashCode());
      assertEquals(0, shortForm.compareTo(longForm));
    }

    @Test
    void equals_otherTag_isDifferent() {
      assertNotEquals(ImageReference.parse("debian:1"), ImageReference.parse("debian:2"));
    }

    @Test
    void compareTo_several_sortsByText() {
      assertEquals(
          List.of("a:1", "a:2", "example.com/a:1"),
          Stream.of("example.com/a:1", "a:2", "a:1")
              .map(ImageReference::parse)
              .sorted()
              .map(ImageReference::toString)
              .toList());
    }
  }

  @Nested
  class Parts {

    @Test
    void domain_ofShortName_isDocker() {
      assertEquals("docker.io", ImageReference.parse("debian").domain());
    }

    @Test
    void repository_ofFullName_isFamiliar() {
      ImageReference reference = ImageReference.parse("docker.io/library/debian:12");

      assertEquals("debian", reference.repository());
      assertEquals("docker.io/library/debian", reference.canonicalRepository());
    }
  }
}
