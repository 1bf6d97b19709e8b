import { RUNNER_SETTINGS } from '../../config/service-settings.ts'

/** The settings of `narwhal run`. */
export const LOCAL_SETTINGS = [
  'data',
  'executor',
  'default-image',
  ...RUNNER_SETTINGS,
  'job-timeout',
  'cleanup-timeout',
  'log-size',
  'include-repositories',
  'log-level',
] as const
