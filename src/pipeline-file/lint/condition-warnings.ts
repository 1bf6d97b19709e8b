import { EVENT_KINDS, type EventKind } from '../../core/commit-event.ts'
import { EVENT_ACTIONS } from '../../core/event-actions.ts'
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
      ...actionWarnings(one, events, at),
      ...(key && isOfOthers ? [{ path: [...at, key], message: only, at: 'key' as const }] : []),
      ...KINDS.flatMap((kind) => patternWarnings(kind, one[kind], [...at, kind])),
    ]
  })
}

/** The conditions of a `when`, which may be a list. */
export function conditionsOf(when: unknown): Values[] {
  return when === undefined ? [] : [when].flat().map(valuesOf)
}

/** Actions that the events never have, and events without any. */
function actionWarnings(
  { action, merged }: Values,
  events: readonly unknown[] = [],
  path: readonly PropertyKey[],
): Issue[] {
  const actions = action === undefined ? [] : [action].flat()
  if (merged === true && actions.length > 0 && !actions.includes('closed')) {
    const message = 'can never match: only a pull request that was closed can have been merged'
    return [{ path: [...path, 'merged'], message, at: 'key' }]
  }
  if (actions.length === 0) return []
  const kinds = EVENT_KINDS.filter((kind) => events.length === 0 || events.includes(kind))
  const possible: readonly unknown[] = kinds.flatMap((kind) => EVENT_ACTIONS[kind])
  const isList = Array.isArray(action)
  const wrong = actions.flatMap((one, i): Issue[] => {
    if (possible.includes(one)) return []
    const message = `can never match: ${events.join(' and ')} never has the action ${typeof one === 'string' ? one : ''}`
    return [{ path: [...path, 'action', ...(isList ? [i] : [])], message, at: 'value' }]
  })
  const without = events.length > 0 ? kinds.filter((kind) => !hasAny(kind, actions)) : []
  if (wrong.length > 0 || without.length === 0) return wrong
  const message = `never holds for ${without.join(' and ')}, which has no such action: write a list of two mappings`
  return [{ path: [...path, 'action'], message, at: 'key' }]
}

function hasAny(kind: EventKind, actions: readonly unknown[]): boolean {
  return EVENT_ACTIONS[kind].some((action) => actions.includes(action))
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
