/** How often a repository may be polled, in milliseconds, with how that is called. */
export const POLL_INTERVALS = [
  ['60000', 'Every minute'],
  ['15000', 'Every 15 seconds'],
  ['300000', 'Every 5 minutes'],
  ['3600000', 'Every hour'],
  ['0', 'Never (webhooks only)'],
] as const
