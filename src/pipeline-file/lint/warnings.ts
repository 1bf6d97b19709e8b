import { parseImageReference } from '../../core/image-reference.ts'
import { outputReferences } from '../../core/plan/outputs.ts'
import type { Issue } from '../issues.ts'
import { fillIn, placeholdersIn } from '../placeholders.ts'
import type { TextAt } from '../plan/facts.ts'
import { conditionsOf, whenWarnings } from './condition-warnings.ts'
import { findForeignExpression } from './foreign-expressions.ts'
import { matrixWarnings } from './matrix-warnings.ts'
import { unusedWarnings } from './unused-warnings.ts'
import { type Values, valuesOf } from './values-of.ts'

/** Finds what a valid file says but probably doesn't intend; `file`: the value of a file without problems. */
export function findWarnings(file: unknown, textAt: TextAt): Issue[] {
  const top = valuesOf(file)
  const jobs = valuesOf(top['jobs'])
  if (top['jobs'] === undefined) return jobWarnings(top, [], textAt)
  return [
    ...imageWarnings(top, []),
    ...whenWarnings(top, []),
    ...unusedWarnings(top),
    ...Object.entries(valuesOf(top['templates'])).flatMap(([name, template]) =>
      jobWarnings(valuesOf(valuesOf(template)['job']), ['templates', name, 'job'], textAt),
    ),
    ...Object.entries(jobs).flatMap(([name, job]) =>
      jobWarnings(valuesOf(job), ['jobs', name], textAt, top['when']),
    ),
  ]
}

function jobWarnings(
  job: Values,
  path: readonly PropertyKey[],
  textAt: TextAt,
  fileWhen?: unknown,
): Issue[] {
  const steps = Array.isArray(job['steps']) ? (job['steps'] as unknown[]) : []
  const hasNetwork = job['network'] !== 'none'
  return [
    ...imageWarnings(job, path),
    ...Object.entries(valuesOf(job['services'])).flatMap(([name, service]) =>
      imageWarnings(valuesOf(service), [...path, 'services', name]),
    ),
    ...secretWarnings(job, path, fileWhen),
    ...envWarnings(job, path),
    ...whenWarnings(job, path),
    ...matrixWarnings(job, path, textAt),
    ...steps.flatMap((step, i) => {
      const at = [...path, 'steps', i]
      const mapping = valuesOf(step)
      const isLast = i === steps.length - 1
      const isText = typeof step === 'string'
      return [
        ...commandWarnings(isText ? step : mapping['command'], isText ? at : [...at, 'command']),
        ...envWarnings(mapping, at),
        ...whenWarnings(mapping, at),
        ...imageWarnings(mapping, at),
        ...backgroundWarnings(mapping, isLast, at),
        ...dependencyWarnings(mapping, hasNetwork, at),
      ]
    }),
  ]
}

/** The same commit should give the same result tomorrow. */
function imageWarnings({ image }: Values, path: readonly PropertyKey[]): Issue[] {
  if (typeof image !== 'string') return []
  const { version } = parseImageReference(fillIn(image, () => 'x'))
  if (version !== 'latest') return []
  const message = 'changes whenever its maintainers push: pin a tag such as :1.2'
  return [{ path: [...path, 'image'], message, at: 'value' }]
}

/** Nothing is expanded in a command; authors of such placeholders expect otherwise. */
function commandWarnings(command: unknown, path: readonly PropertyKey[]): Issue[] {
  const text = Array.isArray(command) ? command.join('\n') : command
  if (typeof text !== 'string') return []
  const [what, instead] = placeholderOf(text) ?? []
  if (what === undefined) return []
  const message = `contains ${what}, which is not expanded here: use ${instead}`
  return [{ path, message, at: 'value' }]
}

const INPUT = /\$\{inputs\.([A-Za-z_]\w*)\}/

/** The first thing that looks like a placeholder, and what to write instead. */
function placeholderOf(text: string): [what: string, instead: string] | undefined {
  const [filled] = placeholdersIn(text)
  const [output] = outputReferences(text)
  const [input, name = ''] = INPUT.exec(text) ?? []
  const foreign = findForeignExpression(text)
  if (foreign) return [foreign.what, foreign.inCommand]
  if (filled) {
    const prefix = filled.kind === 'params' ? 'PARAM' : 'MATRIX'
    const variable = `"$NARWHAL_${prefix}_${filled.name.toUpperCase()}"`
    return [`\${${filled.kind}.${filled.name}}`, variable]
  }
  if (output) {
    return [
      `\${needs.${output.need}.outputs.${output.output}}`,
      'a variable whose value it is in env',
    ]
  }
  return input === undefined ? undefined : [input, `"$NARWHAL_INPUT_${name.toUpperCase()}"`]
}

/** Without a later step, it is ended at once. */
function backgroundWarnings(
  { background }: Values,
  isLast: boolean,
  path: readonly PropertyKey[],
): Issue[] {
  if (background !== true || !isLast) return []
  const message = 'would end this step at once: no step follows it'
  return [{ path: [...path, 'background'], message, at: 'key' }]
}

function dependencyWarnings(
  { dependencies }: Values,
  hasNetwork: boolean,
  path: readonly PropertyKey[],
): Issue[] {
  if (hasNetwork || dependencies === undefined) return []
  const message = "can't be installed without a network: use an image that has them"
  return [{ path: [...path, 'dependencies'], message, at: 'key' }]
}

/** Other systems expand secrets in such a text. */
function envWarnings({ env }: Values, path: readonly PropertyKey[]): Issue[] {
  return Object.entries(valuesOf(env)).flatMap(([name, value]): Issue[] => {
    const at = { path: [...path, 'env', name], at: 'value' } as const
    if (typeof value !== 'string') return []
    if (/\$\{\{?\s*secrets\./.test(value)) {
      const message = 'is not expanded here: list the secret under secrets of the job'
      return [{ ...at, message }]
    }
    const foreign = findForeignExpression(value)
    if (!foreign) return []
    return [{ ...at, message: `has ${foreign.what}, which is not expanded: use ${foreign.inEnv}` }]
  })
}

/**
 * A job for pull requests gets no secrets or id tokens for those from forks: unless it excludes them, it ends
 * in an error there until somebody approves them.
 */
function secretWarnings(
  { secrets, id_tokens: idTokens, when }: Values,
  path: readonly PropertyKey[],
  fileWhen: unknown,
): Issue[] {
  const hasSecrets = Object.keys((secrets ?? []) as object).length > 0
  const tokens = Object.values(valuesOf(idTokens)).map(valuesOf)
  const isNone = !hasSecrets && tokens.every(({ optional }) => optional === true)
  const all = [conditionsOf(when), conditionsOf(fileWhen)].filter((list) => list.length > 0)
  const asksForPulls = all.some((list) => list.some(namesPullRequests))
  const reachesForks = all.every((list) => list.some((one) => !excludesForks(one)))
  if (isNone || !asksForPulls || !reachesForks) return []
  const message =
    "are withheld from strangers' pull requests, for which the job runs as well: exclude those with `expression: '!stranger'`, or approve them one by one"
  return [{ path: [...path, hasSecrets ? 'secrets' : 'id_tokens'], message, at: 'key' }]
}

function namesPullRequests({ event }: Values): boolean {
  return event === 'pull_request' || (Array.isArray(event) && event.includes('pull_request'))
}

/** A guess: an expression that mentions forks takes them into account. */
function excludesForks(conditions: Values): boolean {
  const { event, expression } = conditions
  if (typeof expression === 'string' && /\b(?:from_fork|stranger)\b/.test(expression)) return true
  return event !== undefined && !namesPullRequests(conditions)
}
