package io.layerstore.core.json;

import com.fasterxml.jackson.core.JsonLocation;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A document is no JSON. The message says why and where, and has nothing of the document itself,
 * which can be anybody's; that of the parser has.
 */
public final class JsonSyntaxException extends IOException {
  private static final long serialVersionUID = 1L;

  JsonSyntaxException(String problem, @Nullable JsonLocation location) {
    super(
        location == null
            ? problem
            : problem + " at line " + location.getLineNr() + ", column " + location.getColumnNr());
  }
}
