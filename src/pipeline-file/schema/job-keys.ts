import { z } from 'zod'
import { MOST_OUTPUTS, OUTPUT_NAME } from '../../core/plan/outputs.ts'
import { limits } from '../limits.ts'
import { must } from '../words.ts'
import { clone } from './clone.ts'
import { concurrency } from './concurrency.ts'
import { idTokens } from './id-tokens.ts'
import { duration, flag, jobRetry, priority, resources } from './limits.ts'
import { matrix } from './matrix.ts'
import { env } from './parts/env.ts'
import { key, requiredKey } from './parts/key.ts'
import { image, label } from './parts/names.ts'
import { secrets } from './secrets.ts'
import { services } from './services.ts'
import { step } from './step.ts'
import { when } from './when.ts'

export const steps = z
  .array(step, { error: must('a list of steps') })
  .min(1)
  .max(limits.stepsPerJob)

export const labels = z.array(label, { error: must('a list of labels') }).max(20)

const outputs = z
  .array(
    z
      .string()
      .regex(OUTPUT_NAME, "can't name an output: use letters, digits and `_`, and no digit first"),
    { error: must('a list of names') },
  )
  .min(1)
  .max(MOST_OUTPUTS)

const network = z.literal('none', { error: 'must be none, or be left out' })

/** What a job has in both forms of the file. */
export const jobKeys = {
  image: key(image, 'The container image of the sandbox.', 'node:24'),
  env: key(env, 'Environment variables of every step.', '{ LEVEL: 3 }'),
  secrets: key(
    secrets,
    'Secrets that steps find as environment variables of the same names, or of those that a mapping gives. Commits of strangers get them only once somebody has approved that.',
    '[DEPLOY_KEY]',
    '{ NPM_TOKEN: REGISTRY_TOKEN }',
  ),
  id_tokens: key(
    idTokens,
    'Signed tokens by which other systems know the job, without a secret that lasts: as environment variables of these names when a step starts, and in the file `$NARWHAL_ID_TOKEN_FILE_NAME`, renewed while it runs. Strangers get them as they get secrets.',
    '{ AWS_TOKEN: { audience: sts.amazonaws.com } }',
  ),
  labels: key(labels, 'Words that the runner must have.', '[gpu]'),
  steps: requiredKey(steps, 'What to run, one after the other.', '[npm ci, npm test]'),
  clone: key(
    clone,
    'How the commit comes into the workspace: `none`, or with how much of its history, with submodules, with files of Git LFS. Else with all of its history and the tags.',
    '{ depth: 1, submodules: true }',
    'none',
  ),
  network: key(network, 'None: the steps reach nothing but the services of the job.', 'none'),
  services: key(
    services,
    'What runs beside the steps, each in a container of its own, reachable by its name on a network of this job alone; gone with the job.',
    '{ db: { image: "postgres:18", ports: [5432] } }',
  ),
  outputs: key(
    outputs,
    'What the job tells the jobs that need it: its steps append lines of `NAME=value` to the file `$NARWHAL_OUTPUT`; the others write `${needs.JOB.outputs.NAME}` in a value of `env`, or `needs.JOB.outputs.NAME` in the expression of their `when`.',
    '[version, image]',
  ),
  when: key(
    when,
    'When the job is run; else it is shown as skipped, with the reason. A list: one of them must hold.',
    '{ event: push, branch: main }',
  ),
  matrix: key(
    matrix,
    'Runs the job once for each combination of the values. `${matrix.AXIS}` stands for the value in `image`, `labels` and `env`; steps find it as `NARWHAL_MATRIX_AXIS`.',
    '{ node: [22, 24], exclude: [] }',
  ),
  timeout: key(
    duration,
    "How long one attempt may take; then the job ends in `timeout`. The operator's limit holds besides.",
    '20m',
  ),
  retry: key(
    jobRetry,
    'How often the job is tried again when it does not succeed. Lost runners are made up for without being asked, and do not count.',
    '2',
    '{ count: 1, on: [timeout] }',
  ),
  concurrency: key(
    concurrency,
    'The group of jobs of this repository of which only so many run at once. A text is its name.',
    'deploy',
    "{ group: 'deploy-${branch}', policy: cancel-superseded }",
  ),
  priority: key(priority, 'Jobs with a larger one go first; else 0.', '10'),
  allow_failure: key(
    flag,
    'True: when the job fails or takes too long, the pipeline goes on as if it had not.',
    'true',
  ),
  resources: key(
    resources,
    'What the job may use at most, within what a runner gives.',
    '{ cpu: 2, memory: 4Gi }',
  ),
}
