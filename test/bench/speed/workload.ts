// The guest's side of the speed bench: an init script that prints a line of its own behind each section.

/** The sections, in the order in which the init runs them. */
export const SECTIONS = ['boot', 'sh loop', 'sha256sum', 'md5sum', 'gzip -9', 'fork+exec', 'sort and grep'] as const;
export type Section = (typeof SECTIONS)[number];

/** What the init prints behind a section. */
export const MARK = /^MARK (.+?)\r?$/;

/** The init script; every amount of work is divided by `divisor`, but for the boot. */
export function workloadInit(divisor: number): string {
  const amount = (whole: number): number => Math.max(1, Math.round(whole / divisor));
  const marks = SECTIONS.map((section) => `echo "MARK ${section}"`);
  return `#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
${marks[0]}
i=0; while [ $i -lt ${amount(200_000)} ]; do i=$((i+1)); done
${marks[1]}
dd if=/dev/zero of=/tmp/zeros bs=1M count=${amount(64)} 2>/dev/null
sha256sum /tmp/zeros >/dev/null
${marks[2]}
md5sum /tmp/zeros >/dev/null
${marks[3]}
rm /tmp/zeros
i=0; while [ $i -lt ${amount(8)} ]; do cat /bin/busybox >>/tmp/data; i=$((i+1)); done
gzip -9 -c /tmp/data >/tmp/packed
${marks[4]}
i=0; while [ $i -lt ${amount(300)} ]; do /bin/true; i=$((i+1)); done
${marks[5]}
seq 1 ${amount(60_000)} >/tmp/numbers
sort -r /tmp/numbers | grep 7 | sort | grep -c 1 >/dev/null
${marks[6]}
poweroff -f
`;
}
