import { availableParallelism } from 'node:os'
import { setting } from './setting.ts'
import { cleanupTime, integer, size } from './values.ts'

/** Limits of a job, and the disk space that must be free to accept one. */
export const JOB_SETTINGS = {
  'cleanup-timeout': setting({
    value: 'duration',
    help: 'how long steps with `status: always` may take in all after a cancel or the timeout, at most 10m; 0: they are not run then',
    schema: cleanupTime,
    fallback: '1m',
  }),
  'job-memory': setting({
    value: 'size',
    help: 'the memory limit of a job, such as 4g',
    schema: size,
    fallback: '4g',
  }),
  'job-cpus': setting({
    value: 'count',
    help: 'how many processors a job may use',
    schema: integer(1, 1024),
    fallback: String(Math.max(1, availableParallelism())),
  }),
  'job-processes': setting({
    value: 'count',
    help: 'how many processes and threads a job may have',
    schema: integer(16, 1_000_000),
    fallback: '4096',
  }),
  'job-disk': setting({
    value: 'size',
    help: 'how much disk space a job may take with everything that it writes',
    schema: size,
    fallback: '20g',
  }),
  'disk-reserve': setting({
    value: 'size',
    help: 'how much disk space must be free for the runner to accept a job',
    schema: size,
    fallback: '1g',
  }),
} as const
