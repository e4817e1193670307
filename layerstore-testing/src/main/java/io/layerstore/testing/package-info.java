/**
 * The promises of the API and the SPI as JUnit tests, for whoever implements them.
 *
 * <p>A driver's tests are a subclass of {@link io.layerstore.testing.GraphDriverContract}, and one
 * of {@link io.layerstore.testing.LayerStoreContract} for a store on that driver; those of a
 * metadata store one of {@link io.layerstore.testing.MetadataStoreContract}. Each says in a few
 * methods how to open what is tested. What an implementation says that it cannot do turns a test
 * into a skipped one with a reason. The contracts use the API alone. Knows nothing of any
 * implementation.
 *
 * <p>Beside them stand the fixtures: archives made byte by byte ({@link
 * io.layerstore.testing.TarBuilder}), trees as values ({@link io.layerstore.testing.TreeChange},
 * {@link io.layerstore.testing.TreeSnapshot}), a file system that fails when told to ({@link
 * io.layerstore.testing.FaultyFileSystem}), a power cut after any write, real programs.
 *
 * <p>Start at {@code GraphDriverContract}.
 */
package io.layerstore.testing;
