import { z } from 'zod'
import { concurrency } from './concurrency.ts'
import { include } from './include.ts'
import { inputs } from './inputs.ts'
import { jobKeys } from './job-keys.ts'
import { jobs } from './jobs.ts'
import { env } from './parts/env.ts'
import { group } from './parts/group.ts'
import { key, requiredKey } from './parts/key.ts'
import { displayName, image } from './parts/names.ts'
import { shell, workingDirectory } from './step.ts'
import { templates } from './templates.ts'
import { when } from './when.ts'

const name = key(displayName, "The pipeline's name.", 'shop')

const givenInputs = key(
  inputs,
  'Values that can be passed when the pipeline is started manually. Steps find them as `NARWHAL_INPUT_NAME`, expressions as `inputs.name`.',
  '{ target: { type: choice, options: [staging, production] } }',
)

export const singleJobFile = group(
  'narwhal.yml',
  { name, inputs: givenInputs, ...jobKeys },
  {
    needs: 'only a job under jobs can have needs',
    templates: 'only jobs under jobs can use them',
    include: 'only a file with jobs can include others',
    defaults: 'it is for several jobs; here, write its keys directly',
  },
)
export type SingleJobFile = z.infer<typeof singleJobFile>

export const defaults = group('defaults', {
  labels: jobKeys.labels,
  timeout: jobKeys.timeout,
  retry: jobKeys.retry,
  resources: jobKeys.resources,
  shell: key(shell, 'The interpreter of the commands of all steps.', 'bash'),
  working_directory: key(workingDirectory, 'Where the commands of all steps run.', 'ui'),
})
export type Defaults = z.infer<typeof defaults>

const topKeys = {
  name,
  when: key(when, 'When anything is run at all; without `status`.', '{ branch: main }'),
  inputs: givenInputs,
  defaults: key(defaults, 'Defaults of jobs and steps.', '{ timeout: 20m, shell: bash }'),
  concurrency: key(
    concurrency,
    'The concurrency group of the pipeline: limits how many of the repository are in progress at the same time, from the first job to the last.',
    "{ group: 'checks-${ref}', policy: cancel-superseded }",
  ),
  image: key(image, 'The default image of the jobs.', 'node:24'),
  env: key(env, 'Environment variables of every step of every job.', '{ LEVEL: 3 }'),
  templates: key(
    templates,
    'Reusable jobs with parameters, by name: see `template` of a job.',
    '{ node: { params: { version: {} }, job: { steps: [npm test] } } }',
  ),
  include: key(
    include,
    'Files whose `jobs`, `templates`, `inputs` and `env` are merged into this one: of this commit, or `owner/name@ref:path` of a repository that the operator allows.',
    '[ci/lint.yml, "acme/ci@v1:node.yml"]',
  ),
  jobs: requiredKey(jobs, 'The jobs by name, in the order in which they are shown.'),
}

/** Hints for the keys of a job that are written next to `jobs`. */
const inAJob = Object.fromEntries(
  ['needs', ...Object.keys(jobKeys)]
    .filter((one) => !(one in topKeys))
    .map((one) => [one, 'in a file with jobs, it belongs in each job']),
)

export const jobsFile = group('narwhal.yml', topKeys, inAJob)
export type JobsFile = z.infer<typeof jobsFile>

export const anyFile = z.union([singleJobFile, jobsFile])
