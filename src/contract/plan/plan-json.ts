import type { z } from 'zod'
import type { JobSpec, PipelinePlan } from '../../core/plan/plan.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { parseJson } from '../../lib/parse-json.ts'
import { jobSpec, pipelinePlan } from './plan-schema.ts'

/** More than the deepest plan of any file; parsing and evaluating a condition recurse as deep. */
const MAX_DEPTH = 600

export const planToJson = (plan: PipelinePlan): string => JSON.stringify(plan)
export const jobToJson = (job: JobSpec): string => JSON.stringify(job)

/** Throws `invalid` if it is not a plan: runners are not trusted. */
export function planFromJson(json: string): PipelinePlan {
  return read(pipelinePlan, json, 'a plan')
}

/** Throws `invalid` if it is not a job. */
export function jobFromJson(json: string): JobSpec {
  return read(jobSpec, json, 'a job')
}

function read<Value>(schema: z.ZodType<Value>, json: string, what: string): Value {
  if (!isShallow(json)) throw new NarwhalError('invalid', `${what} nests too deep to be read`)
  const { success, data, error } = schema.safeParse(parseJson(json))
  if (success) return data
  const [issue] = error.issues
  const where = issue?.path.join('.') || 'its beginning'
  throw new NarwhalError('invalid', `${what} can't be read at ${where}: ${issue?.message}`)
}

/** Checked on the text, since parsing deeper nesting could exhaust the stack. */
function isShallow(json: string): boolean {
  let depth = 0
  let isText = false
  for (let at = 0; at < json.length; at++) {
    const sign = json[at]
    if (isText && sign === '\\') at++
    else if (sign === '"') isText = !isText
    else if (isText) continue
    else if (sign === '}' || sign === ']') depth--
    else if ((sign === '{' || sign === '[') && ++depth > MAX_DEPTH) return false
  }
  return true
}
