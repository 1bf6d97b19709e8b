import { z } from 'zod'
import { must } from '../words.ts'
import { inputName } from './inputs.ts'
import { jobKeys, steps } from './job-keys.ts'
import { flag } from './limits.ts'
import { scalar } from './matrix.ts'
import { group } from './parts/group.ts'
import { key, requiredKey } from './parts/key.ts'
import { jobName } from './parts/names.ts'

export const needMapping = group('a need', {
  job: requiredKey(jobName, 'The name of the job.', 'build'),
  optional: key(
    flag,
    "`true`: if that job isn't run for this commit, this one runs without it.",
    'true',
  ),
})

const need = z.union([jobName, needMapping], { error: must("a job's name or a mapping") })

const needs = z.union([jobName, needMapping, z.array(need)], {
  error: must("a job's name, a mapping, or a list of them"),
})

export const job = group('a job', {
  ...jobKeys,
  steps: key(
    steps,
    'What to run, in sequence. Required, unless it uses a template.',
    '[npm ci, npm test]',
  ),
  template: key(jobName, 'The template with the keys that the job does not set itself.', 'node'),
  with: key(
    z.record(inputName, scalar, { error: must('a mapping of names to values') }),
    "The template's parameters; `${matrix.AXIS}` is replaced by its value.",
    '{ version: 24 }',
  ),
  needs: key(
    needs,
    'The job, or jobs, that must succeed before it starts.',
    '[lint, test]',
    '[{ job: build, optional: true }]',
  ),
})
export type Job = z.infer<typeof job>
