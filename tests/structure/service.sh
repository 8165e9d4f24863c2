#!/bin/sh
# The unit of the engine: systemd has nothing to say against it, and it gives away little (exposure below 2.0 of 10).
# Without systemd-analyze its keys are still compared with what the engine needs.
set -u
unit=$SLUICE_BUILD/data/sluice.service
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
[ -s "$unit" ] || { echo "there is no $unit"; exit 1; }
grep -q '@' "$unit" && grep -n '@[a-z]*@' "$unit" && exit 1
for line in 'Type=exec' 'User=sluice' 'KillSignal=SIGTERM' 'NoNewPrivileges=yes' 'ProtectSystem=strict' 'StateDirectoryMode=0700'; do
	grep -qx "$line" "$unit" || { echo "the unit lacks $line"; exit 1; }
done
grep -iE '^(Environment|SetCredential)' "$unit" && { echo "a credential in the unit would be world-readable"; exit 1; }
command -v systemd-analyze >/dev/null || exit 0
sed "s#^ExecStart=[^ ]*/sluice#ExecStart=$SLUICE_BUILD/sluice#" "$unit" >"$work/sluice.service"
systemd-analyze verify --man=no "$work/sluice.service" >"$work/out" 2>&1
grep 'sluice.service' "$work/out" && exit 1
systemd-analyze security --offline=true --threshold=20 "$work/sluice.service" >"$work/out" 2>&1 ||
	{ grep Overall "$work/out"; exit 1; }
