import { suggestKey } from '../../lib/suggest-key.ts'
import type { Issue } from '../issues.ts'
import type { Inputs } from '../schema/inputs.ts'
import type { Job } from '../schema/job.ts'
import type { Scalar } from '../schema/matrix.ts'
import type { Templates } from '../schema/templates.ts'
import { quote } from '../words.ts'
import type { NamedValues } from './facts.ts'
import { checkDeclarations, readInput, wanted } from './inputs.ts'
import { fill, type Planning, type Variant } from './planning.ts'

/** A job merged with its template. */
export type WholeJob = Omit<Job, 'steps' | 'template' | 'with'> & {
  readonly steps: NonNullable<Job['steps']>
}

/** A job of the file, merged with its template and the file's top-level keys. */
export interface NamedJob {
  readonly name: string
  readonly job: WholeJob
  readonly path: readonly PropertyKey[]
  readonly template?: UsedTemplate
}

export interface UsedTemplate {
  readonly name: string
  /** The path of keys that come from the template. */
  readonly path: readonly PropertyKey[]
  /** The job's own keys. */
  readonly own: ReadonlySet<string>
  readonly env: WholeJob['env']
  readonly params: Inputs
  readonly given: Readonly<Record<string, Scalar>>
}

/** Merges the job with its template, which exists and has been checked. */
export function useTemplate(
  name: string,
  { template: templateName, with: given = {}, ...own }: Job,
  templates: Templates,
): NamedJob {
  const path = ['jobs', name]
  const template = templateName === undefined ? undefined : templates[templateName]
  if (templateName === undefined || !template) {
    const { steps = [] } = own
    return { name, job: { ...own, steps }, path }
  }
  const { job, params = {} } = template
  const present = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
  return {
    name,
    job: { ...job, ...present, steps: job.steps },
    path,
    template: {
      name: templateName,
      path: ['templates', templateName, 'job'],
      own: new Set(Object.keys(present)),
      env: job.env,
      params,
      given,
    },
  }
}

/** The path of the mapping that has this key: the job's, or the template's. */
export function placeOf({ path, template }: NamedJob, key: keyof WholeJob): readonly PropertyKey[] {
  return template && !template.own.has(key) ? template.path : path
}

/** Checks all templates, used or not. */
export function checkTemplates(templates: Templates): Issue[] {
  return Object.entries(templates).flatMap(([name, { params = {} }]) =>
    checkDeclarations(params, ['templates', name, 'params']),
  )
}

/** Replaces a value that was already reported, to avoid follow-up errors. */
const UNKNOWN = { text: 'x', value: 'x' } as const

/** The parameter values of one combination of a job; invalid ones are issues where they are given. */
export function planParams(
  { path, template }: NamedJob,
  combination: Variant['combination'],
  planning: Planning,
): NamedValues {
  const values = new Map<string, { text: string; value: Scalar }>()
  if (!template) return values
  const { params, given } = template
  const fail = (at: readonly PropertyKey[], message: string, what: Issue['at'] = 'value'): void => {
    planning.issues.push({ path: [...path, ...at], message, at: what })
  }
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(params, key)) continue
    const meant = suggestKey(key, Object.keys(params))
    const hint = meant
      ? `did you mean ${meant}?`
      : `it has ${Object.keys(params).join(', ') || 'none'}`
    fail(['with', key], `is not a parameter of ${quote(template.name)}: ${hint}`, 'key')
  }
  for (const [key, input] of Object.entries(params)) {
    const at = ['with', key]
    const isGiven = Object.hasOwn(given, key)
    const value = isGiven ? given[key] : input.default
    if (value === undefined) {
      const where = Object.keys(given).length > 0 ? ['with'] : ['template']
      fail(where, `must give ${quote(key)} to ${quote(template.name)}: ${wanted(input)}`, 'key')
      values.set(key, UNKNOWN)
      continue
    }
    const place = isGiven
      ? [...path, ...at]
      : ['templates', template.name, 'params', key, 'default']
    const text = asWritten(value, place, combination, planning)
    const read = readInput(input, text)
    // An invalid default is reported where it is declared.
    if (read === undefined && isGiven) {
      fail(at, `can't be ${quote(text)}: it must be ${wanted(input)}`)
    }
    values.set(key, read === undefined ? UNKNOWN : { text, value: read })
  }
  return values
}

function asWritten(
  value: Scalar,
  place: readonly PropertyKey[],
  combination: Variant['combination'],
  planning: Planning,
): string {
  if (typeof value !== 'string') return planning.textAt(place) ?? String(value)
  return fill(value, { combination, params: new Map() }, place, planning)
}
