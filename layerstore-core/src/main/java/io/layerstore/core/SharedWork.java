package io.layerstore.core;

import io.layerstore.core.layerdb.Ownership;
import io.layerstore.core.share.Kind;
import io.layerstore.core.share.Party;
import io.layerstore.core.state.Sharing;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Lets the other stores on a root know which unfinished work in the layer database has an owner.
 */
final class SharedWork implements Ownership {

  private final @Nullable Party party;
  private final Map<String, Integer> marks = new ConcurrentHashMap<>();

  SharedWork(Sharing sharing) {
    this.party = sharing.party();
  }

  @Override
  public void take(String name) {
    if (party != null) {
      marks.put(name, party.mark(Kind.WORK, name));
    }
  }

  @Override
  public void letGo(String name) {
    Integer mark = marks.remove(name);
    if (party != null && mark != null) {
      party.clear(mark);
    }
  }

  @Override
  public boolean isOthers(String name) {
    return party != null && party.isMarkedElsewhere(Kind.WORK, name);
  }
}
