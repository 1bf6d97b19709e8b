import { findCycle } from '../../core/plan/graph.ts'
import { suggestKey } from '../../lib/suggest-key.ts'
import type { Issue } from '../issues.ts'
import { limits } from '../limits.ts'
import { BAD_AXIS, isAxis } from '../schema/matrix.ts'
import { quote } from '../words.ts'

/**
 * Checks that a schema can't express: duplicate names, and needs that can't be met. Tolerates values that are
 * otherwise invalid, so that these mistakes are reported together with all others.
 */
export function checkJobs(file: unknown): Issue[] {
  const issues = checkStepNames(file, [])
  const jobs = entriesOf(property(file, 'jobs'))
  issues.push(...checkAxes(file, []))
  const templates = entriesOf(property(file, 'templates'))
  for (const [name, job] of jobs) {
    const path = ['jobs', name]
    issues.push(...checkStepNames(job, path), ...checkAxes(job, path))
    issues.push(...checkTemplate(job, path, templates))
  }
  for (const [name, template] of templates) {
    const path = ['templates', name, 'job']
    const job = property(template, 'job')
    issues.push(...checkStepNames(job, path), ...checkAxes(job, path))
  }
  const graph = jobs.map(([name, job]) => ({ name, needs: readNeeds(property(job, 'needs')) }))
  const names = graph.map(({ name }) => name)
  const nameSet = new Set(names)
  for (const { name, needs } of graph) {
    for (const { need, path } of needs) {
      const at = ['jobs', name, 'needs', ...path]
      if (need === name) issues.push({ path: at, message: 'is the job itself', at: 'value' })
      else if (!nameSet.has(need)) {
        issues.push({
          path: at,
          message: describeUnknown(
            need,
            names.filter((other) => other !== name),
          ),
          at: 'value',
          isName: true,
        })
      }
    }
  }
  return [...issues, ...findCycles(graph)]
}

interface Need {
  readonly need: string
  /** Below `needs`; empty if it is not a list. */
  readonly path: readonly PropertyKey[]
}

function readNeeds(value: unknown): Need[] {
  const isList = Array.isArray(value)
  const all = isList ? (value as unknown[]) : [value]
  return all.flatMap((one, i): Need[] => {
    const path = isList ? [i] : []
    if (typeof one === 'string') return [{ need: one, path }]
    const job = property(one, 'job')
    return typeof job === 'string' ? [{ need: job, path: [...path, 'job'] }] : []
  })
}

function describeUnknown(need: string, names: readonly string[]): string {
  const meant = names.length <= 50 ? suggestKey(need, names) : undefined
  return `needs ${quote(need)}, but there is no such job${meant ? `: did you mean ${meant}?` : ''}`
}

/** Reports each cycle once: the cycle is cut where it was found, and the search continues. */
function findCycles(
  graph: readonly { readonly name: string; readonly needs: readonly Need[] }[],
): Issue[] {
  const issues: Issue[] = []
  const jobs = graph.map(({ name, needs }) => ({
    name,
    needs: [...new Set(needs.map(({ need }) => need))].filter((need) => need !== name),
  }))
  for (
    let cycle = findCycle(jobs);
    cycle && issues.length < limits.problems;
    cycle = findCycle(jobs)
  ) {
    const [from = '', to] = cycle
    const job = jobs.find(({ name }) => name === from)
    if (job) job.needs = job.needs.filter((need) => need !== to)
    const path = graph
      .find(({ name }) => name === from)
      ?.needs.find(({ need }) => need === to)?.path
    const message = `forms a cycle, so none of these could ever start: ${describeCycle(cycle)}`
    issues.push({ path: ['jobs', from, 'needs', ...(path ?? [])], message, at: 'value' })
  }
  return issues
}

function describeCycle(cycle: readonly string[]): string {
  const shown = cycle.length > 10 ? [...cycle.slice(0, 8), '…', ...cycle.slice(-1)] : cycle
  return shown.join(' → ')
}

function checkStepNames(job: unknown, path: readonly PropertyKey[]): Issue[] {
  const steps = property(job, 'steps')
  if (!Array.isArray(steps)) return []
  const firsts = new Map<string, number>()
  return steps.flatMap((step, i): Issue[] => {
    const name = property(step, 'name')
    if (typeof name !== 'string') return []
    const first = firsts.get(name)
    if (first === undefined) {
      firsts.set(name, i)
      return []
    }
    const message = `${quote(name)} is also the name of steps[${first}]: each step needs its own`
    return [{ path: [...path, 'steps', i, 'name'], message, at: 'value' }]
  })
}

/** A job has either its own steps or those of a template. */
function checkTemplate(
  job: unknown,
  path: readonly PropertyKey[],
  templates: readonly [string, unknown][],
): Issue[] {
  if (typeof job !== 'object' || job === null || Array.isArray(job)) return []
  const fail = (key: string, message: string, at: Issue['at'] = 'key'): Issue[] => [
    { path: [...path, key], message, at },
  ]
  const used = property(job, 'template')
  const hasSteps = property(job, 'steps') !== undefined
  if (used === undefined) {
    if (!hasSteps) return fail('steps', 'is missing: it must be a list of steps', 'value')
    return property(job, 'with') === undefined ? [] : fail('with', 'needs a template: name one')
  }
  if (typeof used !== 'string') return []
  const names = templates.map(([name]) => name)
  if (!names.includes(used)) {
    const meant = suggestKey(used, names)
    const hint = meant ? `did you mean ${meant}?` : `there are ${names.join(', ') || 'none'}`
    const message = `is ${quote(used)}, but there is no such template: ${hint}`
    return [{ path: [...path, 'template'], message, at: 'value', isName: true }]
  }
  return hasSteps ? fail('steps', `come from the template ${quote(used)}`) : []
}

function checkAxes(job: unknown, path: readonly PropertyKey[]): Issue[] {
  return entriesOf(property(job, 'matrix'))
    .filter(([name]) => !isAxis(name))
    .map(([name]) => ({ path: [...path, 'matrix', name], message: BAD_AXIS, at: 'key' }))
}

function property(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Readonly<Record<string, unknown>>)[key]
}

function entriesOf(value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.entries(value)
}
