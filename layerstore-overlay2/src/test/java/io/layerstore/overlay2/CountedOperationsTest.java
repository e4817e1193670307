package io.layerstore.overlay2;

import static java.util.Map.entry;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.DistributionMetadata;
import io.layerstore.ImageStore;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.ReferenceStore;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** That a test counts what each operation costs: a new one needs a row here, and a test. */
final class CountedOperationsTest {

  private static final List<Class<?>> COUNTED_TYPES =
      List.of(
          LayerStore.class,
          Layer.class,
          RWLayer.class,
          Mount.class,
          ImageStore.class,
          ReferenceStore.class,
          DistributionMetadata.class);

  /** In the module of registries, which this one does not see: {@code RoundTripsTest}. */
  private static final String IN_REGISTRY = "RoundTripsTest";

  private static final String TABLES = "StoreCostsTest.tables_read_costNothing";
  private static final String REFERENCES =
      "StoreCostsTest.tagAndUntag_durablyAmongManyReferences_forceAsAmongFew";
  private static final String DISTRIBUTION =
      "StoreCostsTest.distributionMetadata_durablyAmongManyLayers_forcesTwoFilesAndTheirNames";
  private static final String MOUNT =
      "OperationCostsTest.mountAndUnmount_oneLayerOrAHundred_twoRoundTripsAndNoProcess";
  private static final String COMMANDS =
      "OperationCostsTest.enterAndChroot_oneCommand_oneProcessAndNoRoundTrip";
  private static final String FILES =
      "OperationCostsTest.file_readAndWritten_costsNoProcessAndNoRoundTrip";
  private static final String EXPORT =
      "OperationCostsTest.export_largeLayerHighUp_oneRequestAndNoProgram";
  private static final String CHANGES = "OperationCostsTest.changes_manyFiles_asForFew";

  /** The test that counts each operation; all of one name are one operation. */
  private static final Map<String, String> TESTS =
      Map.ofEntries(
          entry("LayerStore.open", "StoreCostsTest.open_manyImagesAndLayers_asForFew"),
          entry(
              "LayerStore.register",
              "OperationCostsTest.register_manyFilesOrBytesOrLayersBelow_asForFew"),
          entry("LayerStore.get", TABLES),
          entry("LayerStore.resolve", TABLES),
          entry("LayerStore.layers", TABLES),
          entry(
              "LayerStore.release", "OperationCostsTest.release_largeLayer_oneRequestAndNoProgram"),
          entry(
              "LayerStore.createRWLayer", "StoreCostsTest.createRWLayer_onAHundredLayers_asOnOne"),
          entry(
              "LayerStore.createTemporaryRWLayer",
              "OperationCostsTest.createTemporaryRWLayer_mountedAndClosed_startsNoProgram"),
          entry("LayerStore.getRWLayer", TABLES),
          entry("LayerStore.rwLayers", TABLES),
          entry("LayerStore.mountId", TABLES),
          entry("LayerStore.releaseRWLayer", "StoreCostsTest.releaseRWLayer_manyFiles_asFew"),
          entry("LayerStore.cleanup", "StoreCostsTest.cleanup_nothingLeftOver_asForFewLayers"),
          entry("LayerStore.users", TABLES),
          entry("LayerStore.driverStatus", TABLES),
          entry("LayerStore.close", "StoreCostsTest.close_manyLayers_asForFew"),
          entry("Layer.metadata", TABLES),
          entry("Layer.tarStream", EXPORT),
          entry("Layer.tarStreamFrom", "StoreCostsTest.archiveOfSeveralLayers_manyFiles_asForFew"),
          entry(
              "Layer.mount", "StoreCostsTest.layerMountedToRead_oneLayerOrAHundred_twoRoundTrips"),
          entry(
              "Layer.fileSystem", "StoreCostsTest.view_readWhole_opensALayerOnceHoweverManyFiles"),
          entry("Layer.usage", TABLES),
          entry("Layer.close", TABLES),
          entry("RWLayer.mount", MOUNT),
          entry(
              "RWLayer.sizeBytes",
              "OperationCostsTest.changesSizeAndArchive_veryManyFilesChanged_askForManyAtOnce"),
          entry("RWLayer.changes", CHANGES),
          entry("RWLayer.tarStream", CHANGES),
          entry(
              "RWLayer.fileSystem",
              "StoreCostsTest.fileSystemOfARWLayer_manyFilesChanged_asForFew"),
          entry("RWLayer.applyDiff", "StoreCostsTest.applyDiff_manyFiles_asForFew"),
          entry("RWLayer.metadata", TABLES),
          entry("RWLayer.commit", "StoreCostsTest.commit_manyFilesChanged_asForFew"),
          entry("RWLayer.close", TABLES),
          entry("Mount.file", FILES),
          entry("Mount.resolve", FILES),
          entry("Mount.enter", COMMANDS),
          entry("Mount.chroot", COMMANDS),
          entry("Mount.namespace", FILES),
          entry("Mount.close", MOUNT),
          entry(
              "Mount.closeLazily",
              "StoreCostsTest.mountClosedLazily_oneLayerOrAHundred_twoRoundTrips"),
          entry(
              "ImageStore.create",
              "StoreCostsTest.createImage_durablyOnOneLayerOrAHundred_forcesOneFileAndItsName"),
          entry("ImageStore.get", TABLES),
          entry("ImageStore.resolve", TABLES),
          entry("ImageStore.list", TABLES),
          entry("ImageStore.children", TABLES),
          entry(
              "ImageStore.setParent",
              "StoreCostsTest.setParent_durablyAmongManyImages_forcesOneFileAndItsName"),
          entry("ImageStore.delete", "StoreCostsTest.deleteImage_moreLayers_oneRequestForEach"),
          entry("ImageStore.fileSystem", "StoreCostsTest.view_opened_asksNothingHoweverManyLayers"),
          entry("ImageStore.load", "StoreCostsTest.load_moreLayers_costsAsMuchForEach"),
          entry("ImageStore.manifests", TABLES),
          entry("ImageStore.pull", IN_REGISTRY),
          entry("ImageStore.push", IN_REGISTRY),
          entry("ImageStore.remote", IN_REGISTRY),
          entry(
              "ImageStore.save",
              "OperationCostsTest.commitAndSave_veryManyFilesChanged_askForManyAtOnce"),
          entry("ImageStore.importRootFs", "StoreCostsTest.importRootFs_manyFiles_asForFew"),
          entry("ImageStore.build", "StoreCostsTest.build_manyFilesInItsSteps_asForFew"),
          entry(
              "ImageStore.commit",
              "OperationCostsTest.commitAndSave_veryManyFilesChanged_askForManyAtOnce"),
          entry("ImageStore.diskUsage", "StoreCostsTest.diskUsage_manyLayersAndEntries_asForFew"),
          entry("ImageStore.planPrune", "StoreCostsTest.prune_nothingUnused_costsNothing"),
          entry("ImageStore.prune", "StoreCostsTest.prune_moreLayers_oneRequestForEach"),
          entry("ReferenceStore.list", TABLES),
          entry("ReferenceStore.of", TABLES),
          entry("ReferenceStore.find", TABLES),
          entry("ReferenceStore.addTag", REFERENCES),
          entry("ReferenceStore.addDigest", "StoreCostsTest.addDigest_durably_forcesTheNamesAlone"),
          entry("ReferenceStore.remove", REFERENCES),
          entry("DistributionMetadata.diffId", DISTRIBUTION),
          entry("DistributionMetadata.sources", DISTRIBUTION),
          entry("DistributionMetadata.add", DISTRIBUTION),
          entry("DistributionMetadata.remove", DISTRIBUTION));

  /**
   * What can fail for a reason outside the program does something; the rest gives what is known.
   */
  private static boolean costsSomething(Method method) {
    return method.getExceptionTypes().length > 0
        || method.getReturnType() == List.class
        || method.getReturnType() == Map.class;
  }

  private static Set<String> operations() {
    return COUNTED_TYPES.stream()
        .flatMap(
            type ->
                Arrays.stream(type.getMethods())
                    .filter(method -> !method.isSynthetic())
                    .filter(CountedOperationsTest::costsSomething)
                    .map(method -> type.getSimpleName() + "." + method.getName()))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void operations_all_haveATestThatCountsThem() {
    Set<String> missing = operations();
    missing.removeAll(TESTS.keySet());
    assertEquals(Set.of(), missing, "a test is to count these, and a row here to name it");
  }

  @Test
  void rows_all_nameOperationsAndTestsThatExist() {
    Set<String> names =
        COUNTED_TYPES.stream()
            .flatMap(
                type ->
                    Arrays.stream(type.getMethods())
                        .map(method -> type.getSimpleName() + "." + method.getName()))
            .collect(Collectors.toSet());
    Set<String> tests =
        List.of(StoreCostsTest.class, OperationCostsTest.class).stream()
            .flatMap(
                type ->
                    Arrays.stream(type.getDeclaredMethods())
                        .filter(method -> method.isAnnotationPresent(Test.class))
                        .map(method -> type.getSimpleName() + "." + method.getName()))
            .collect(Collectors.toCollection(TreeSet::new));
    TESTS.forEach(
        (operation, test) -> {
          assertTrue(names.contains(operation), operation);
          assertTrue(test.equals(IN_REGISTRY) || tests.contains(test), test);
        });
  }
}
