# Starts a packed app as a user who may make no user namespaces, which is what Chromium's sandbox is made of. Prints what
# the launcher starts instead. Root; the app's folder is the first argument, a home for the user the second.
app=$1 home=$2
chmod 0777 "$home"
mkfifo "$home/mapped"
as_nobody='
  read -r _ <"$1/mapped"
  # Once more, now that this is root of the namespace: only then may the limit be set.
  exec sh -c "
    echo 0 >/proc/sys/user/max_user_namespaces
    exec setpriv --reuid 65534 --regid 65534 --clear-groups env -i HOME=\"$1\" PATH=/usr/bin:/bin DISPLAY=\"$DISPLAY\" \"$2/shoal\" --disable-gpu --profile=\"$1/profile\"
  "
'
unshare --user sh -c "$as_nobody" deny "$home" "$app" 2>"$home/errors" &
launcher=$!
# The mapping is of use only once the namespace is there.
until [ "$(readlink /proc/$launcher/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.05; done
echo '0 0 70000' >/proc/$launcher/uid_map
echo '0 0 70000' >/proc/$launcher/gid_map
echo go >"$home/mapped"
for _ in $(seq 300); do
  pgrep -f "$app/shoal-app --no-sandbox --sandbox-denied" >/dev/null && break
  sleep 0.1
done
grep -o 'Rather than run without sandboxing' "$home/errors"
pgrep -af "$app/shoal-app --no-sandbox --sandbox-denied" | sed 's/^[0-9]* //'
kill "$launcher"
wait "$launcher" || true
