import type { IdTokenSpec } from '../../core/id-token/id-token.ts'
import type { JobSpec } from '../../core/plan/plan.ts'
import { present } from '../../lib/present.ts'
import type { IdTokens } from '../schema/id-tokens.ts'
import { durationMs } from '../schema/limits.ts'
import { secretsByVariable } from '../schema/secrets.ts'
import type { Planning } from './planning.ts'
import { type NamedJob, placeOf, type WholeJob } from './use-template.ts'

/** The id tokens of a job; their variables must not be used otherwise. */
export function planIdTokens(named: NamedJob, { issues }: Planning): Pick<JobSpec, 'idTokens'> {
  const { job } = named
  const given = Object.entries(job.id_tokens ?? {})
  if (given.length === 0) return {}
  const path = [...placeOf(named, 'id_tokens'), 'id_tokens']
  const taken = new Map<string, string>([
    ...stepVariables(job).map((name) => [name, "in a step's env"] as const),
    ...Object.keys(job.env ?? {}).map((name) => [name, 'in env'] as const),
    ...Object.keys(secretsByVariable(job.secrets ?? [])).map(
      (name) => [name, 'one of the secrets'] as const,
    ),
  ])
  for (const [name] of given) {
    const where = taken.get(name)
    if (where === undefined) continue
    const message = `is ${where} as well: give one of them another name`
    issues.push({ path: [...path, name], message, at: 'key' })
  }
  return { idTokens: Object.fromEntries(given.map(([name, token]) => [name, planIdToken(token)])) }
}

function stepVariables({ steps }: WholeJob): string[] {
  return steps.flatMap((step) => (typeof step === 'string' ? [] : Object.keys(step.env ?? {})))
}

function planIdToken({ audience, lifetime, subject, optional }: IdTokens[string]): IdTokenSpec {
  return {
    audience,
    ...present({
      lifetimeMs: lifetime === undefined ? undefined : durationMs(lifetime),
      subject: subject === 'job' ? subject : undefined,
      optional: optional || undefined,
    }),
  }
}
