/**
 * The client of registries.
 *
 * <pre>
 * HttpRepository   what is asked of a repository: manifests, blobs, uploads
 *   Exchange       one request until it succeeds or fails for good: redirects, credentials, attempts
 *     Clients      the HTTP client for a host: certificates, proxies
 *       BodyStream what an answer brings, watched while it comes
 * </pre>
 *
 * <p>Start at {@code HttpRepository}. Knows nothing of stores, layers and images: what a manifest
 * says, and whether a blob has its digest, is looked at by others.
 *
 * @see <a href="https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md">OCI
 *     distribution specification</a>
 */
@NullMarked
package io.layerstore.registry;

import org.jspecify.annotations.NullMarked;
