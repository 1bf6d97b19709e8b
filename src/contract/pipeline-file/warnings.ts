import { parseImageReference } from '../../core/image-reference.ts'
import type { Issue } from './issues.ts'
import { axesIn, fillIn } from './placeholders.ts'

type Values = Readonly<Record<string, unknown>>

/** What a file that is right says and hardly means; the value of a file without problems. */
export function findWarnings(file: unknown): Issue[] {
  const top = valuesOf(file)
  const jobs = valuesOf(top['jobs'])
  if (top['jobs'] === undefined) return [...jobWarnings(top, []), ...whenWarnings(top, [])]
  return [
    ...imageWarnings(top, []),
    ...whenWarnings(top, []),
    ...Object.entries(jobs).flatMap(([name, job]) => {
      const path = ['jobs', name]
      return [...jobWarnings(valuesOf(job), path), ...whenWarnings(valuesOf(job), path)]
    }),
  ]
}

function jobWarnings(job: Values, path: readonly PropertyKey[]): Issue[] {
  const steps = Array.isArray(job['steps']) ? (job['steps'] as unknown[]) : []
  const hasNetwork = job['network'] !== 'none'
  return [
    ...imageWarnings(job, path),
    ...Object.entries(valuesOf(job['services'])).flatMap(([name, service]) =>
      imageWarnings(valuesOf(service), [...path, 'services', name]),
    ),
    ...steps.flatMap((step, i) => {
      const at = [...path, 'steps', i]
      const mapping = valuesOf(step)
      const isLast = i === steps.length - 1
      const isText = typeof step === 'string'
      return [
        ...commandWarnings(isText ? step : mapping['command'], isText ? at : [...at, 'command']),
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
  const message = 'is another one whenever its maintainers push: name a tag such as :1.2'
  return [{ path: [...path, 'image'], message, at: 'value' }]
}

/** Nothing is put into a command; whoever writes it so expects otherwise. */
function commandWarnings(command: unknown, path: readonly PropertyKey[]): Issue[] {
  const text = Array.isArray(command) ? command.join('\n') : command
  if (typeof text !== 'string') return []
  const [axis] = axesIn(text)
  const isTemplate = text.includes('${{')
  if (axis === undefined && !isTemplate) return []
  const instead = axis === undefined ? 'a variable' : `"$NARWHAL_MATRIX_${axis.toUpperCase()}"`
  const what = isTemplate ? '${{…}}' : `\${matrix.${axis}}`
  const message = `holds ${what}, which is left as it is: use ${instead}`
  return [{ path, message, at: 'value' }]
}

/** With no step behind it, it is ended at once. */
function backgroundWarnings(
  { background }: Values,
  isLast: boolean,
  path: readonly PropertyKey[],
): Issue[] {
  if (background !== true || !isLast) return []
  const message = 'ends this step at once: no step comes after it'
  return [{ path: [...path, 'background'], message, at: 'key' }]
}

function dependencyWarnings(
  { dependencies }: Values,
  hasNetwork: boolean,
  path: readonly PropertyKey[],
): Issue[] {
  if (hasNetwork || dependencies === undefined) return []
  const message = "can't be fetched without a network: the image must have them"
  return [{ path: [...path, 'dependencies'], message, at: 'key' }]
}

/** A tag has no branch, and the other way round. */
function whenWarnings({ when }: Values, path: readonly PropertyKey[]): Issue[] {
  const isList = Array.isArray(when)
  return (isList ? (when as unknown[]) : [when]).flatMap((one, i): Issue[] => {
    const { event, branch, tag } = valuesOf(one)
    const events = Array.isArray(event) ? event : event === undefined ? undefined : [event]
    const never =
      branch !== undefined && (tag !== undefined || events?.every((kind) => kind === 'tag'))
    if (!never) return []
    const message = 'can never hold: a tag has no branch'
    return [{ path: [...path, 'when', ...(isList ? [i] : [])], message, at: 'key' }]
  })
}

function valuesOf(value: unknown): Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Values)
    : {}
}
