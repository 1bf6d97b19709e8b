import { z } from 'zod'
import { must } from '../words.ts'
import { inputs } from './inputs.ts'
import { jobKeys } from './job-keys.ts'
import { group } from './parts/group.ts'
import { key, requiredKey } from './parts/key.ts'
import { jobName } from './parts/names.ts'

/** The job of a template: all keys that don't belong to one particular job. */
const templateJob = group('a template', jobKeys, {
  needs: 'it belongs in the jobs that use the template',
  template: "a template can't use another one",
})

export const template = group('a template', {
  params: key(
    inputs,
    'Parameters that jobs pass by `with`, declared like inputs. Those without a default are required. `${params.NAME}` is replaced by the value in `image`, `labels`, `env` and `concurrency`; steps find it as `NARWHAL_PARAM_NAME`, expressions as `params.name`.',
    '{ version: { type: number, default: 24 } }',
  ),
  job: requiredKey(
    templateJob,
    'The keys of a job. A job that uses the template may override them, except `steps`; `env` is merged.',
    "{ image: 'node:${params.version}', steps: [npm test] }",
  ),
})

export const templates = z.record(jobName, template, {
  error: must('a mapping of names to templates'),
})
export type Templates = z.infer<typeof templates>
