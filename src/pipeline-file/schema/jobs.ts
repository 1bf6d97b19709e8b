import { z } from 'zod'
import { limits } from '../limits.ts'
import { must } from '../words.ts'
import { job } from './job.ts'
import { jobName } from './parts/names.ts'

export const jobs = z
  .record(jobName, job, { error: must('a mapping of names to jobs') })
  .refine((all) => Object.keys(all).length > 0, { error: 'must have at least one job' })
  .refine((all) => Object.keys(all).length <= limits.jobs, {
    error: `must have at most ${limits.jobs} jobs`,
  })
