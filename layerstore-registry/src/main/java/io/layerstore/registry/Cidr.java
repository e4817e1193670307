package io.layerstore.registry;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** Networks, as {@code insecure-registries} of Docker names them. Never asks a name server. */
final class Cidr {

  private Cidr() {}

  /** Whether the address {@code host}, with or without a port, is in {@code network}. */
  static boolean contains(String network, String host) {
    String name = host.replaceFirst("(?<=[^:]):[0-9]+$", "").replaceAll("[\\[\\]]", "");
    int slash = network.indexOf('/');
    String prefix = network.substring(slash + 1);
    if (!isAddress(name)
        || !isAddress(network.substring(0, slash))
        || !prefix.matches("[0-9]{1,3}")) {
      return false;
    }
    try {
      byte[] address = InetAddress.getByName(name).getAddress();
      byte[] base = InetAddress.getByName(network.substring(0, slash)).getAddress();
      int bits = Integer.parseInt(prefix);
      if (address.length != base.length || bits > address.length * Byte.SIZE) {
        return false;
      }
      for (int i = 0; i < bits; i++) {
        int mask = 0x80 >> (i % Byte.SIZE);
        if (((address[i / Byte.SIZE] ^ base[i / Byte.SIZE]) & mask) != 0) {
          return false;
        }
      }
      return true;
    } catch (UnknownHostException e) {
      return false;
    }
  }

  private static boolean isAddress(String text) {
    return text.matches("[0-9]+(\\.[0-9]+){3}") || text.matches("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");
  }
}
