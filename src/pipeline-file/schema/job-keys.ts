import { z } from 'zod'
import { IMAGE_PULLS } from '../../core/plan/image-pull.ts'
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
import { secretName, secrets } from './secrets.ts'
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
      .regex(OUTPUT_NAME, "can't name an output: use letters, digits and `_`, no leading digit"),
    { error: must('a list of names') },
  )
  .min(1)
  .max(MOST_OUTPUTS)

const pull = z.enum(IMAGE_PULLS, { error: 'must be always, missing or never' })

const network = z.literal('none', { error: 'must be none, or be left out' })

/** The keys of a job in both forms of the file. */
export const jobKeys = {
  image: key(image, 'The container image of the sandbox.', 'node:24'),
  pull: key(
    pull,
    'When the registry is asked about the images of the job: `missing`, the default, for those that the runner does not have; `always` before each job, for the newest of a tag; `never`.',
    'always',
  ),
  registry_login: key(
    secretName,
    "The secret with the job's logins to registries, as in Docker's `config.json`. Steps don't get it. Commits of strangers get it only after approval.",
    'REGISTRY_LOGIN',
  ),
  env: key(env, 'Environment variables of every step.', '{ LEVEL: 3 }'),
  secrets: key(
    secrets,
    'Secrets that steps get as environment variables of the same names, or of those in a mapping. Commits of strangers get them only after approval.',
    '[DEPLOY_KEY]',
    '{ NPM_TOKEN: REGISTRY_TOKEN }',
  ),
  id_tokens: key(
    idTokens,
    'Signed tokens that identify the job to other systems, without a long-lived secret: in environment variables of these names when a step starts, and in the file `$NARWHAL_ID_TOKEN_FILE_NAME`, renewed while it runs. Strangers get them only after approval.',
    '{ AWS_TOKEN: { audience: sts.amazonaws.com } }',
  ),
  labels: key(labels, 'Labels that the runner must have.', '[gpu]'),
  steps: requiredKey(steps, 'What to run, in sequence.', '[npm ci, npm test]'),
  clone: key(
    clone,
    'How the commit is checked out: `none`, or with limited history, submodules or Git LFS files. By default with the whole history and the tags.',
    '{ depth: 1, submodules: true }',
    'none',
  ),
  network: key(
    network,
    '`none`: the steps can reach nothing except the services of the job.',
    'none',
  ),
  services: key(
    services,
    'Containers that run next to the steps, reachable by name on a network of this job only; removed with the job.',
    '{ db: { image: "postgres:18", ports: [5432] } }',
  ),
  outputs: key(
    outputs,
    'Values passed to the jobs that need this one: its steps append lines of `NAME=value` to the file `$NARWHAL_OUTPUT`; the others use `${needs.JOB.outputs.NAME}` in a value of `env`, or `needs.JOB.outputs.NAME` in the expression of their `when`.',
    '[version, image]',
  ),
  when: key(
    when,
    'When the job is run; otherwise it is shown as skipped, with the reason. In a list, one of them must hold.',
    '{ event: push, branch: main }',
  ),
  matrix: key(
    matrix,
    'Runs the job once for each combination of the values. `${matrix.AXIS}` is replaced by the value in `image`, `labels` and `env`; steps find it as `NARWHAL_MATRIX_AXIS`.',
    '{ node: [22, 24], exclude: [] }',
  ),
  timeout: key(
    duration,
    "How long one attempt may take; then the job ends in `timeout`. The operator's limit applies as well.",
    '20m',
  ),
  retry: key(
    jobRetry,
    "How often the job is retried when it doesn't succeed. Attempts on lost runners are repeated automatically and don't count.",
    '2',
    '{ count: 1, on: [timeout] }',
  ),
  concurrency: key(
    concurrency,
    "The concurrency group of the job: limits how many of the repository's jobs run at the same time. A string is the group's name.",
    'deploy',
    "{ group: 'deploy-${branch}', policy: cancel-superseded }",
  ),
  priority: key(priority, 'Jobs with a higher priority go first; default: 0.', '10'),
  allow_failure: key(
    flag,
    "`true`: a failure or timeout of the job doesn't affect the pipeline.",
    'true',
  ),
  resources: key(
    resources,
    "What the job may use at most, within the runner's limits.",
    '{ cpu: 2, memory: 4Gi }',
  ),
}
