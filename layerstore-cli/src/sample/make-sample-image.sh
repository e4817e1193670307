#!/usr/bin/env bash
#
# Makes sample-image.tar, the archive that `layerstore demo` takes when it is given none.
#
#   sudo layerstore-cli/src/sample/make-sample-image.sh [OUTPUT]
#
# Everything inside is written here. The image goes through a real dockerd, started for this purpose
# in a directory of its own, so that what the demo reads is what Docker writes: the first layer is a
# tar made by GNU tar and taken in with `docker import`, the other two are made by dockerd itself from
# changes to an overlay mount, and the archive around them is written by `docker save`.
#
# The archive in the repository was made with Docker 20.10.24 (overlay2) and GNU tar 1.34 on Debian 12.
# Running this again gives the same files, but other digests: dockerd notes the time.
#
# Needs root, dockerd, docker, GNU tar, setcap and setfattr.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
output=${1:-$here/../main/resources/io/layerstore/cli/sample-image.tar}
tag=layerstore/sample:latest

work=$(mktemp -d)
daemon=
cleanup() {
  mountpoint -q "$work/merged" && umount "$work/merged"
  [ -z "$daemon" ] || { kill "$daemon" && wait "$daemon" || true; }
  rm -rf "$work"
}
trap cleanup EXIT

dockerd --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/pid" \
  -H "unix://$work/sock" --storage-driver overlay2 --bridge=none --iptables=false \
  --ip-forward=false --ip-masq=false >"$work/log" 2>&1 &
daemon=$!
docker() { command docker -H "unix://$work/sock" "$@"; }
for _ in $(seq 60); do
  docker version >/dev/null 2>&1 && break
  kill -0 "$daemon" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  sleep 0.5
done

# Layer 1: one of everything a tar can hold.
base=$work/base
mkdir -p "$base"/{bin,dev,etc/app/conf.d,srv/data,tmp,usr/bin}
chmod 1777 "$base/tmp"
printf 'Welcome to the layerstore sample image.\n' >"$base/etc/motd"
printf 'name = sample\nlevel = 1\n' >"$base/etc/app/app.conf"
printf 'color = blue\n' >"$base/etc/app/conf.d/10-defaults"
printf 'color = green\n' >"$base/etc/app/conf.d/20-local"
printf '#!/bin/sh\necho "Hello from a layer."\n' >"$base/bin/hello"
chmod 755 "$base/bin/hello"
setcap cap_net_raw+ep "$base/bin/hello"
ln "$base/bin/hello" "$base/bin/hello-again"
ln -s hello "$base/bin/greet"
printf '#!/bin/sh\nid -u\n' >"$base/usr/bin/elevate"
chmod 4755 "$base/usr/bin/elevate"
mknod -m 666 "$base/dev/null" c 1 3
mkfifo "$base/srv/queue"
printf 'Grüße\n' >"$base/srv/data/grüße.txt"
printf 'a name that is not UTF-8\n' >"$base/srv/data/"$'caf\xe9.txt'
printf 'notes\n' >"$base/srv/data/notes.txt"
setfattr -n user.origin -v 'made for the demo' "$base/srv/data/notes.txt"
printf 'deep\n' >"$base/srv/data/$(printf 'a-rather-long-name-%.0s' 1 2 3 4 5 6).txt"
chown -R 1000:1000 "$base/srv/data"
tar -C "$base" --format=posix --pax-option=delete=atime,delete=ctime --sort=name --numeric-owner \
  --mtime='2024-05-17 09:30:00.123456789 UTC' --xattrs --xattrs-include='*' -cf - . |
  docker import - "$tag" >/dev/null

# layer COMMAND... makes the next layer: COMMAND runs in the image's files, dockerd reads what changed.
layer() {
  local id lower upper workdir
  id=$(docker create "$tag" /bin/hello)
  lower=$(docker inspect -f '{{.GraphDriver.Data.LowerDir}}' "$id")
  upper=$(docker inspect -f '{{.GraphDriver.Data.UpperDir}}' "$id")
  workdir=$(docker inspect -f '{{.GraphDriver.Data.WorkDir}}' "$id")
  mkdir -p "$work/merged"
  mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$workdir" "$work/merged"
  (cd "$work/merged" && "$@")
  umount "$work/merged"
  docker commit -c 'CMD ["/bin/hello"]' "$id" "$tag" >/dev/null
  docker rm "$id" >/dev/null
}

# Layer 2: a file changed, one removed (a whiteout), a hard link.
second() {
  printf 'Second layer: this line was added.\n' >>etc/motd
  rm etc/app/conf.d/20-local
  printf '2024-05-17 42\n' >srv/data/report.csv
  ln srv/data/report.csv srv/data/latest.csv
}
layer second

# Layer 3: a directory replaced (an opaque directory), a link turned into a file, a mode changed.
third() {
  rm -r etc/app
  mkdir -p etc/app
  printf 'name = sample\nlevel = 3\n' >etc/app/app.conf
  rm bin/greet
  printf '#!/bin/sh\necho "Greetings."\n' >bin/greet
  chmod 755 bin/greet
  chmod 600 srv/data/report.csv
}
layer third

docker save -o "$work/image.tar" "$tag"
install -m 644 -D "$work/image.tar" "$output"
