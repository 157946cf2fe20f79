# Installs a package into a copy of this system that is gone with the namespace of mounts, tries it there, removes it.
# Root; the package's path is the first argument.
scratch=$(mktemp -d)
mount -t tmpfs tmpfs "$scratch"
mkdir "$scratch/changes" "$scratch/work" "$scratch/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/changes,workdir=$scratch/work" "$scratch/root"
mount --bind /proc "$scratch/root/proc"
mount --bind /dev "$scratch/root/dev"
mkdir -p "$scratch/root/tmp/try"
cp "$1" "$scratch/root/tmp/try/shoal.deb"
bare=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp/try LANG=C SHOAL_NO_DISCOVERY=1)
inside() { chroot "$scratch/root" "${bare[@]}" "$@"; }
# The window's libraries need not be there for what is tried here.
inside dpkg --force-depends -i /tmp/try/shoal.deb >/dev/null
echo "command: $(inside readlink /usr/bin/shoal)"
inside desktop-file-validate /usr/share/applications/shoal.desktop && echo 'desktop file: valid'
echo "links: $(inside sed -n 's/^x-scheme-handler\/shoal=\([^;]*\).*/\1/p' /usr/share/applications/mimeinfo.cache)"
chroot "$scratch/root" "${bare[@]}" shoal --server --addr 127.0.0.1:0 --peer-addr 127.0.0.1:0 >"$scratch/output" 2>&1 &
node=$!
for _ in $(seq 100); do
  grep -q 'is ready' "$scratch/output" && break
  sleep 0.1
done
origin=$(sed -n 's/.*is ready: //p' "$scratch/output")
echo "healthz: $(curl -sf "${origin}healthz" | cut -d, -f1)"
kill "$node"
wait "$node" && echo 'ended: 0'
inside dpkg --purge shoal >/dev/null
left=$(inside sh -c 'ls -d /opt/Shoal /usr/bin/shoal /etc/apparmor.d/shoal /usr/share/applications/shoal.desktop 2>/dev/null' || true)
echo "left after removal: ${left:-none}"
