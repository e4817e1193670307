package io.layerstore.vfs.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.layerstore.ByteString;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What counts of a record when the file has changed since. */
class TrueEntryTest {

  private static final Instant TRUE_TIME = Instant.ofEpochSecond(1000, 123_456_789);
  private static final Instant SHOWN_TIME = Instant.ofEpochSecond(1000, 123_456_000);
  private static final Instant BORN = Instant.ofEpochSecond(1500);
  private static final Instant LATER = Instant.ofEpochSecond(2000);
  private static final Xattr CAPABILITY =
      new Xattr(ByteString.utf8("security.capability"), ByteString.utf8("\1"));
  private static final Xattr TRUSTED =
      new Xattr(ByteString.utf8("trusted.x"), ByteString.utf8("y"));

  private static DiskEntry disk(
      EntryType type, long inode, long size, int mode, long uid, Instant modified) {
    return disk(type, inode, BORN, size, mode, uid, modified);
  }

  private static DiskEntry disk(
      EntryType type, long inode, Instant born, long size, int mode, long uid, Instant modified) {
    return new DiskEntry(type, null, size, mode, uid, 0, modified, LATER, inode, born, inode, 1);
  }

  private static final DiskEntry FILE = disk(EntryType.FILE, 7, 3, 0755, 0, SHOWN_TIME);

  private static AttributeRecord record() {
    return new TrueEntry(
            EntryType.FILE,
            null,
            3,
            new Attributes(04755, 5, 6, TRUE_TIME, TRUE_TIME, List.of()),
            null,
            List.of(),
            List.of(CAPABILITY, TRUSTED))
        .recordFor(FILE, null);
  }

  private static TrueEntry see(DiskEntry disk) {
    return TrueEntry.of(EntryType.FILE, disk, null, List.of(), record(), true);
  }

  private static Attributes plain(DiskEntry disk) {
    return new Attributes(
        disk.mode(), disk.uid(), disk.gid(), disk.modified(), disk.accessed(), List.of());
  }

  @Nested
  class Unchanged {

    @Test
    void of_sameFile_isAsRecorded() {
      TrueEntry entry = see(FILE);
      assertEquals(new Attributes(04755, 5, 6, TRUE_TIME, LATER, List.of()), entry.attributes());
      assertEquals(List.of(CAPABILITY, TRUSTED), entry.recorded());
    }

    @Test
    void of_sameFileInRestoredTree_isAsRecorded() {
      DiskEntry restored = disk(EntryType.FILE, 8, 3, 0755, 0, SHOWN_TIME);
      TrueEntry entry = TrueEntry.of(EntryType.FILE, restored, null, List.of(), record(), false);
      assertEquals(04755, entry.attributes().mode());
      assertEquals(5, entry.attributes().uid());
    }
  }

  @Nested
  class Changed {

    @Test
    void of_otherMode_hasThatModeAndTheRest() {
      TrueEntry entry = see(disk(EntryType.FILE, 7, 3, 0600, 0, SHOWN_TIME));
      assertEquals(0600, entry.attributes().mode());
      assertEquals(5, entry.attributes().uid());
      assertEquals(TRUE_TIME, entry.attributes().modified());
    }

    @Test
    void of_otherOwner_hasThatOwnerAndNoCapability() {
      TrueEntry entry = see(disk(EntryType.FILE, 7, 3, 0755, 9, SHOWN_TIME));
      assertEquals(9, entry.attributes().uid());
      assertEquals(0, entry.attributes().gid());
      assertEquals(04755, entry.attributes().mode());
      assertEquals(List.of(TRUSTED), entry.recorded());
    }

    @Test
    void of_otherContent_hasThatTimeAndNoCapability() {
      TrueEntry entry = see(disk(EntryType.FILE, 7, 4, 0755, 0, LATER));
      assertEquals(LATER, entry.attributes().modified());
      assertEquals(4, entry.sizeBytes());
      assertEquals(5, entry.attributes().uid());
      assertEquals(List.of(TRUSTED), entry.recorded());
    }

    @Test
    void of_otherFileOfThatName_isWhatIsThere() {
      DiskEntry other = disk(EntryType.FILE, 8, 3, 0755, 0, SHOWN_TIME);
      TrueEntry entry = see(other);
      assertEquals(plain(other), entry.attributes());
      assertEquals(List.of(), entry.recorded());
    }

    @Test
    void of_newFileThatGotTheInode_isWhatIsThere() {
      DiskEntry other = disk(EntryType.FILE, 7, LATER, 3, 0755, 0, SHOWN_TIME);
      assertEquals(plain(other), see(other).attributes());
    }

    @Test
    void of_sameInodeWhereNobodyTellsBirth_isAsRecorded() {
      DiskEntry same = disk(EntryType.FILE, 7, Instant.EPOCH, 3, 0755, 0, SHOWN_TIME);
      assertEquals(5, see(same).attributes().uid());
    }

    @Test
    void of_otherType_isWhatIsThere() {
      DiskEntry directory = disk(EntryType.DIRECTORY, 7, 0, 0755, 0, SHOWN_TIME);
      TrueEntry entry =
          TrueEntry.of(EntryType.DIRECTORY, directory, null, List.of(), record(), true);
      assertEquals(EntryType.DIRECTORY, entry.type());
      assertEquals(plain(directory), entry.attributes());
    }

    @Test
    void of_changedFileInRestoredTree_isWhatIsThere() {
      DiskEntry changed = disk(EntryType.FILE, 8, 3, 0755, 0, LATER);
      TrueEntry entry = TrueEntry.of(EntryType.FILE, changed, null, List.of(), record(), false);
      assertEquals(plain(changed), entry.attributes());
    }
  }

  @Nested
  class Placeholders {

    private final DiskEntry empty = disk(EntryType.FILE, 7, 0, 0, 0, TRUE_TIME);
    private final AttributeRecord device =
        new TrueEntry(
                EntryType.CHARACTER_DEVICE,
                new Device(5, 2),
                0,
                new Attributes(0620, 0, 5, TRUE_TIME, TRUE_TIME, List.of()),
                null,
                List.of(),
                List.of())
            .recordFor(empty, null);

    @Test
    void of_emptyFile_isTheDevice() {
      TrueEntry entry = TrueEntry.of(EntryType.FILE, empty, null, List.of(), device, true);
      assertEquals(EntryType.CHARACTER_DEVICE, entry.type());
      assertEquals(new Device(5, 2), entry.device());
      assertEquals(0620, entry.attributes().mode());
    }

    @Test
    void of_fileSomebodyWroteTo_isAFile() {
      DiskEntry written = disk(EntryType.FILE, 7, 10, 0, 0, LATER);
      TrueEntry entry = TrueEntry.of(EntryType.FILE, written, null, List.of(), device, true);
      assertEquals(EntryType.FILE, entry.type());
      assertNull(entry.device());
    }
  }

  @Nested
  class LinkTexts {

    private final DiskEntry link = disk(EntryType.SYMLINK, 7, 0, 0777, 0, TRUE_TIME);
    private final ByteString trueText = ByteString.utf8("a//b/");
    private final ByteString shownText = ByteString.utf8("a/b");
    private final AttributeRecord record =
        new TrueEntry(
                EntryType.SYMLINK,
                null,
                0,
                new Attributes(0777, 0, 0, TRUE_TIME, TRUE_TIME, List.of()),
                trueText,
                List.of(),
                List.of())
            .recordFor(link, shownText);

    @Test
    void of_sameLink_hasTheTrueText() {
      TrueEntry entry = TrueEntry.of(EntryType.SYMLINK, link, shownText, List.of(), record, true);
      assertEquals(trueText, entry.linkText());
    }

    @Test
    void of_linkWithOtherText_hasThatText() {
      ByteString other = ByteString.utf8("c");
      TrueEntry entry = TrueEntry.of(EntryType.SYMLINK, link, other, List.of(), record, true);
      assertEquals(other, entry.linkText());
    }
  }

  @Nested
  class Need {

    @Test
    void recordFor_entryTheDiskKeeps_isNone() {
      TrueEntry entry =
          new TrueEntry(EntryType.FILE, null, 3, plain(FILE), null, List.of(), List.of());
      assertNull(entry.recordFor(FILE, null));
    }

    @Test
    void recordFor_timeNoFileCanHave_comparesWhatIsStoredInstead() {
      Attributes ancient = plain(FILE).withTimes(Instant.ofEpochSecond(-5), LATER);
      TrueEntry entry = new TrueEntry(EntryType.FILE, null, 3, ancient, null, List.of(), List.of());
      DiskEntry shown = disk(EntryType.FILE, 7, 3, 0755, 0, Instant.EPOCH);
      assertNull(entry.recordFor(shown, null));
    }
  }
}
