import type { Issue } from '../issues.ts'
import { quote } from '../words.ts'
import { type Values, valuesOf } from './values-of.ts'

/** Conditions that can never match: a tag has no branch, and patterns that match nothing. */
export function whenWarnings({ when }: Values, path: readonly PropertyKey[]): Issue[] {
  return conditionsOf(when).flatMap((one, i): Issue[] => {
    const at = [...path, 'when', ...(Array.isArray(when) ? [i] : [])]
    const { event, branch, tag } = one
    const events = event === undefined ? undefined : [event].flat()
    const isNever =
      branch !== undefined && (tag !== undefined || events?.every((kind) => kind === 'tag'))
    const message = 'can never match: a tag has no branch'
    const key = REQUEST_KEYS.find((name) => asksForRequest(one, name))
    const isOfOthers = events !== undefined && !events.includes('pull_request')
    const only = 'can never match: only pull requests have it, and `event` names none'
    return [
      ...(isNever ? [{ path: at, message, at: 'key' as const }] : []),
      ...(key && isOfOthers ? [{ path: [...at, key], message: only, at: 'key' as const }] : []),
      ...KINDS.flatMap((kind) => patternWarnings(kind, one[kind], [...at, kind])),
    ]
  })
}

/** The conditions of a `when`, which may be a list. */
export function conditionsOf(when: unknown): Values[] {
  return when === undefined ? [] : [when].flat().map(valuesOf)
}

const REQUEST_KEYS = ['label', 'draft', 'milestone'] as const

/** Other events are no drafts and have no labels, so `draft: false` and exclusions hold for them. */
function asksForRequest(conditions: Values, key: (typeof REQUEST_KEYS)[number]): boolean {
  const value = conditions[key]
  if (value === undefined || key === 'draft') return value === true
  const isExclusion = (one: unknown): boolean => typeof one === 'string' && one.startsWith('!')
  return key === 'milestone' || ![value].flat().every(isExclusion)
}

const KINDS = ['branch', 'tag', 'path'] as const
type Kind = (typeof KINDS)[number]

function patternWarnings(kind: Kind, given: unknown, path: readonly PropertyKey[]): Issue[] {
  const isList = Array.isArray(given)
  return [given].flat().flatMap((pattern, i): Issue[] => {
    const why = typeof pattern === 'string' ? whyNever(kind, pattern.replace(/^!/, '')) : undefined
    return why ? [{ path: [...path, ...(isList ? [i] : [])], message: why, at: 'value' }] : []
  })
}

const WHOLE_REF = /^refs\/(?:heads|tags)\/(?=.)/
/** Signs of a regular expression: those that no ref can have, and those that paths rarely have. */
const REGULAR_REF = /^\^|\$$|^\/.*\/$|\\|\([^)]*\|[^)]*\)|\[/
const REGULAR_PATH = /^\^.*\$$|\\[dws.]|\([^)]*\|[^)]*\)/

function whyNever(kind: Kind, pattern: string): string | undefined {
  const instead = (text: string): string => `can never match: write ${quote(text)}`
  if (pattern.includes('${')) return 'can never match: nothing is inserted into a pattern'
  if (kind !== 'path' && WHOLE_REF.test(pattern)) return instead(pattern.replace(WHOLE_REF, ''))
  if ((kind === 'path' ? REGULAR_PATH : REGULAR_REF).test(pattern)) {
    return 'can never match: patterns are not regular expressions: only `*` and `**` are special'
  }
  if (/\{[^}]*,[^}]*\}/.test(pattern)) {
    return 'can never match: braces have no meaning here, write a list of patterns'
  }
  if (kind !== 'path') return undefined
  const path = pattern.replace(/^(?:\.?\/)+/, '')
  if (path.endsWith('/')) return instead(`${path}**`)
  return path === pattern ? undefined : instead(path)
}
