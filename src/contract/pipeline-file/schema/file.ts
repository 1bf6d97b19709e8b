import { z } from 'zod'
import { limits } from '../limits.ts'
import { must } from '../words.ts'
import { env } from './env.ts'
import { group } from './group.ts'
import { job, labels, steps } from './job.ts'
import { displayName, image, jobName } from './names.ts'

const name = displayName.optional()

/** The short form: the file is one job. */
export const singleJobFile = group(
  'narwhal.yml',
  { name, image: image.optional(), env: env.optional(), labels: labels.optional(), steps },
  { needs: 'only a job under jobs can need others' },
)
export type SingleJobFile = z.infer<typeof singleJobFile>

const inAJob = 'with jobs, it belongs in each job'

/** The full form. `image` and `env` are what the jobs have unless they say otherwise. */
export const jobsFile = group(
  'narwhal.yml',
  {
    name,
    image: image.optional(),
    env: env.optional(),
    jobs: z
      .record(jobName, job, { error: must('a mapping of names to jobs') })
      .refine((jobs) => Object.keys(jobs).length > 0, { error: 'must hold at least one job' })
      .refine((jobs) => Object.keys(jobs).length <= limits.jobs, {
        error: `must hold at most ${limits.jobs} jobs`,
      }),
  },
  { steps: inAJob, labels: inAJob, needs: inAJob },
)
export type JobsFile = z.infer<typeof jobsFile>

/** Either form; for the JSON Schema. */
export const anyFile = z.union([singleJobFile, jobsFile])
