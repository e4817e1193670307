#include "xattr_policy.h"

#include <string.h>

const char overlay_user[] = "user.overlay.", overlay_trusted[] = "trusted.overlay.";
static const char *const overlay_classes[] = {overlay_trusted, overlay_user};
static const char *const labels[] = {"security.selinux", "security.ima", "security.evm"};
static const char foreign_acl[] = "system.nfs4_acl";
static const char escape[] = "overlay.";

bool is_xattr_name(struct bytes name) {
  return name.length > 0 && name.length < XATTR_NAME_SIZE && memchr(name.at, 0, name.length) == NULL;
}

bool is_label(const char *name) {
  for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
    if (strcmp(name, labels[i]) == 0) {
      return true;
    }
  }
  return false;
}

bool stored_xattr_name(struct bytes name, char stored[XATTR_NAME_SIZE]) {
  if (name.length == strlen(foreign_acl) && memcmp(name.at, foreign_acl, name.length) == 0) {
    return false;
  }
  size_t prefix = 0, added = 0;
  for (size_t i = 0; i < sizeof overlay_classes / sizeof overlay_classes[0]; i++) {
    size_t length = strlen(overlay_classes[i]);
    if (name.length >= length && memcmp(name.at, overlay_classes[i], length) == 0) {
      prefix = length;
      added = strlen(escape);
    }
  }
  if (name.length + added >= XATTR_NAME_SIZE) {
    return false;
  }
  memcpy(stored, name.at, prefix);
  memcpy(stored + prefix, escape, added);
  memcpy(stored + prefix + added, name.at + prefix, name.length - prefix);
  stored[name.length + added] = 0;
  return true;
}

const char *true_xattr_name(const char *stored, const char *overlay, char name[XATTR_NAME_SIZE]) {
  if (is_label(stored) || strcmp(stored, foreign_acl) == 0) {
    return NULL;
  }
  for (size_t i = 0; i < sizeof overlay_classes / sizeof overlay_classes[0]; i++) {
    size_t length = strlen(overlay_classes[i]);
    if (strncmp(stored, overlay_classes[i], length) != 0) {
      continue;
    }
    if (strncmp(stored + length, escape, strlen(escape)) != 0) {
      return overlay_classes[i] == overlay ? NULL : stored;
    }
    memcpy(name, stored, length);
    strcpy(name + length, stored + length + strlen(escape));
    return name;
  }
  return stored;
}
