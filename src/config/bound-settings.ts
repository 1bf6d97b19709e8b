import { LEAST_LOG_BYTES } from '../core/attempt/log-limit.ts'
import { keeping, size } from './values.ts'

/** Maximum sizes, and retention. */
export const BOUND_SETTINGS = {
  'log-size': {
    value: 'size',
    help: "the maximum size of a job's log; if it is exceeded, the first part and the last 4 MiB are kept",
    schema: size.refine(
      (bytes) => bytes >= LEAST_LOG_BYTES,
      `must be at least ${LEAST_LOG_BYTES / 1024 ** 2}m`,
    ),
    fallback: '1g',
  },
  'database-reserve': {
    value: 'size',
    help: 'no new job starts with less free space than this for the database',
    schema: size,
    fallback: '128m',
  },
  'database-size': {
    value: 'size',
    help: 'the maximum size of the database, where its disk space is not known; free space inside it counts as free',
    schema: size,
  },
  'keep-logs': {
    value: 'days',
    help: 'how long logs of finished pipelines are kept, such as 90d; a repository may have its own rule',
    schema: keeping,
    fallback: 'forever',
  },
  'keep-pipelines': {
    value: 'days',
    help: 'how long finished pipelines are kept, with everything that belongs to them, such as 400d',
    schema: keeping,
    fallback: 'forever',
  },
  'keep-runners': {
    value: 'days',
    help: 'how long joined runners stay in the list after they are lost',
    schema: keeping,
    fallback: '7d',
  },
  'keep-audit': {
    value: 'days',
    help: 'how long the audit log is kept, such as 400d',
    schema: keeping,
    fallback: 'forever',
  },
} as const
