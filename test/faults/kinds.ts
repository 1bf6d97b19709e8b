/** The kinds of processes of Narwhal. */
export const ROLES = ['agent', 'dispatcher', 'runner', 'web'] as const
export type Role = (typeof ROLES)[number]

export const FAULT_KINDS = [
  'kill-agent',
  'kill-dispatcher',
  'kill-runner',
  'kill-web',
  'stop-agent',
  'stop-dispatcher',
  'stop-runner',
  'stop-web',
  'pause-agent',
  'pause-dispatcher',
  'pause-runner',
  'pause-web',
  'fill-disk',
  'cut-link',
  'refuse-link',
  'stall-link',
  'restart-broker',
  'wipe-broker',
  'delete-queues',
  'restart-database',
  'crash-database',
  'terminate-backends',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]
