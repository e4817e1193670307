package io.layerstore.core.view;

import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.attribute.UserPrincipalNotFoundException;

/** Owners by number: the names that an image has for them say nothing outside it. */
final class Principals {

  static final UserPrincipalLookupService LOOKUP = new Lookup();

  private Principals() {}

  /** A user whose name is its number. */
  record User(long id) implements UserPrincipal {
    @Override
    public String getName() {
      return Long.toString(id);
    }

    @Override
    public String toString() {
      return getName();
    }
  }

  /** A group whose name is its number. */
  record Group(long id) implements GroupPrincipal {
    @Override
    public String getName() {
      return Long.toString(id);
    }

    @Override
    public String toString() {
      return getName();
    }
  }

  private static final class Lookup extends UserPrincipalLookupService {
    @Override
    public UserPrincipal lookupPrincipalByName(String name) throws UserPrincipalNotFoundException {
      return new User(id(name));
    }

    @Override
    public GroupPrincipal lookupPrincipalByGroupName(String group)
        throws UserPrincipalNotFoundException {
      return new Group(id(group));
    }

    private static long id(String name) throws UserPrincipalNotFoundException {
      try {
        return Integer.parseUnsignedInt(name) & 0xffff_ffffL;
      } catch (NumberFormatException e) {
        throw new UserPrincipalNotFoundException(name);
      }
    }
  }
}
