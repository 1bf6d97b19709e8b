/** The settings of `narwhal run`: those of a runner, and how long a job may take. */
export const LOCAL_SETTINGS = [
  'data',
  'executor',
  'default-image',
  'name',
  'slots',
  'labels',
  'job-memory',
  'job-cpus',
  'job-processes',
  'job-timeout',
  'include-repositories',
  'mirror-size',
  'checkout-size',
  'checkout-files',
  'fetch-hosts',
  'log-level',
] as const
