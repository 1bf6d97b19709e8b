import type { Issue } from '../issues.ts'

type Values = Readonly<Record<string, unknown>>

/**
 * What jobs and templates of a file are for others, and no other asks for: outputs of a job that none needs,
 * and templates that none is made after. Files that are included may, so nothing is said of one that includes some.
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
    const { outputs: told } = job
    if (!Array.isArray(told) || told.length === 0 || needed.has(name)) return []
    const message = 'is told to nobody: no job needs this one'
    return [{ path: ['jobs', name, 'outputs'], message, at: 'key' }]
  })
  const templates = Object.keys(valuesOf(file['templates']))
    .filter((name) => !used.has(name))
    .map((name): Issue => {
      return { path: ['templates', name], message: 'is used by no job', at: 'key' }
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
