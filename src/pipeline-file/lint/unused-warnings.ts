import type { Issue } from '../issues.ts'

type Values = Readonly<Record<string, unknown>>

/**
 * Declared outputs and templates that are never used. Included files may use them, so nothing is reported for
 * a file that includes others.
 */
export function unusedWarnings(file: Values): Issue[] {
  if (file['include'] !== undefined) return []
  const jobs = Object.entries(valuesOf(file['jobs'])).map(([name, job]) => ({
    name,
    job: valuesOf(job),
  }))
  const needed = new Set(jobs.flatMap(({ job }) => needsOf(job)))
  const used = new Set(jobs.map(({ job }) => job['template']))
  const outputs = jobs.flatMap(({ name, job }): Issue[] => {
    const { outputs: declared } = job
    if (!Array.isArray(declared) || declared.length === 0 || needed.has(name)) return []
    const message = 'are never used: no job needs this one'
    return [{ path: ['jobs', name, 'outputs'], message, at: 'key' }]
  })
  const templates = Object.keys(valuesOf(file['templates']))
    .filter((name) => !used.has(name))
    .map((name): Issue => {
      return { path: ['templates', name], message: 'is never used', at: 'key' }
    })
  return [...templates, ...outputs]
}

function needsOf({ needs }: Values): unknown[] {
  const all = Array.isArray(needs) ? (needs as unknown[]) : [needs]
  return all.map((one) => (typeof one === 'object' ? valuesOf(one)['job'] : one))
}

function valuesOf(value: unknown): Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Values)
    : {}
}
