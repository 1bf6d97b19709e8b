import { LEAST_LOG_BYTES } from '../core/attempt/log-limit.ts'
import { keeping, size } from './values.ts'

/** How much of things there may be, and how long they are kept. */
export const BOUND_SETTINGS = {
  'log-size': {
    value: 'size',
    help: 'how much text the log of a job may have; of more, the first part and the last 4 MiB are kept',
    schema: size.refine(
      (bytes) => bytes >= LEAST_LOG_BYTES,
      `must be at least ${LEAST_LOG_BYTES / 1024 ** 2}m`,
    ),
    fallback: '1g',
  },
  'database-reserve': {
    value: 'size',
    help: 'with less room than this for the database no new job starts',
    schema: size,
    fallback: '128m',
  },
  'database-size': {
    value: 'size',
    help: 'how large the database may become, where its disk does not say so; what is free inside counts as room',
    schema: size,
  },
  'keep-logs': {
    value: 'days',
    help: 'how long the logs of pipelines that have ended are kept, such as 90d; a repository may have a rule of its own',
    schema: keeping,
    fallback: 'forever',
  },
  'keep-pipelines': {
    value: 'days',
    help: 'how long pipelines that have ended are kept, with all that belongs to them, such as 400d',
    schema: keeping,
    fallback: 'forever',
  },
  'keep-runners': {
    value: 'days',
    help: 'how long runners that have joined by themselves stay in the list once they are lost',
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
