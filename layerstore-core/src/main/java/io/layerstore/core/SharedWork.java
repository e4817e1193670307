package io.layerstore.core;

import io.layerstore.core.layerdb.Ownership;
import io.layerstore.core.share.ClaimKind;
import io.layerstore.core.share.Participant;
import io.layerstore.core.state.Sharing;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Lets the other stores on a root know which unfinished work in the layer database has an owner.
 */
final class SharedWork implements Ownership {

  private final @Nullable Participant participant;
  private final Map<String, Integer> claims = new ConcurrentHashMap<>();

  SharedWork(Sharing sharing) {
    this.participant = sharing.participant();
  }

  @Override
  public void take(String name) {
    if (participant != null) {
      claims.put(name, participant.claim(ClaimKind.WORK, name));
    }
  }

  @Override
  public void letGo(String name) {
    Integer claim = claims.remove(name);
    if (participant != null && claim != null) {
      participant.clear(claim);
    }
  }

  @Override
  public boolean isOthers(String name) {
    return participant != null && participant.isClaimedElsewhere(ClaimKind.WORK, name);
  }
}
