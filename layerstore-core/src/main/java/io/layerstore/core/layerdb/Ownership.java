package io.layerstore.core.layerdb;

/** Who has unfinished work in hand, besides this store. Safe for use by many threads. */
public interface Ownership {

  /** Nobody else is there. */
  Ownership ALONE =
      new Ownership() {
        @Override
        public void take(String name) {
          // There is nobody to tell.
        }

        @Override
        public void letGo(String name) {
          // Likewise.
        }

        @Override
        public boolean isOthers(String name) {
          return false;
        }
      };

  /** Called before something of this name is made. */
  void take(String name);

  /** Called when it is gone or finished, or left for the next cleanup. */
  void letGo(String name);

  /** Whether somebody else, who lives, has it in hand. */
  boolean isOthers(String name);
}
