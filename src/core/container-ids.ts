/** All that images use, from the first one on: systemd keeps the ids from there free for ranges like this one. */
export const CONTAINER_IDS = { first: 0x7000_0000, count: 65_536 } as const
