import { type CommitEvent, refKey, semanticKey } from '../../../core/commit-event.ts'
import { completeEvent } from '../../../core/moves/complete-event.ts'
import { matchGone, matchTelling } from '../../../core/moves/match-telling.ts'
import type { GoneTelling, Match, Position, Telling } from '../../../core/moves/telling.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import type { AcceptedEvent } from '../../records.ts'
import type { PlacedHead } from '../heads.ts'
import { textKey } from '../text.ts'

/** One event of a ref, as stored or about to be. */
export interface Entry {
  event: CommitEvent
  readonly commitKey: string
  readonly closedAt?: number
  /** The key of where it began, while nothing known has led there. */
  gapKey: string | null
  readonly isNew: boolean
  isChanged: boolean
  /** Completed by a telling with which the plan may be another one. */
  isToReplan: boolean
}

/**
 * Matches tellings to events, one after another, in memory. What is needed for that is read before, and what
 * came of it written after it, at once.
 */
export class RefMoves {
  readonly #entries = new Map<string, Entry[]>()
  /** Entries by their gapKey, or a former one. */
  readonly #open = new Map<string, Entry[]>()
  readonly #positions: Map<string, Position>
  readonly #moved = new Map<string, PlacedHead>()

  /** `positions` by refKey. */
  constructor(positions: ReadonlyMap<string, Position>, entries: readonly Entry[]) {
    this.#positions = new Map(positions)
    for (const entry of entries) this.#add(entry)
  }

  /** Events that are new, each with whether it is the first at its commit. */
  get fresh(): { readonly entry: Entry; readonly isFirst: boolean }[] {
    return [...this.#entries.values()].flatMap((list) =>
      list.flatMap((entry, at) => (entry.isNew ? [{ entry, isFirst: at === 0 }] : [])),
    )
  }

  get changed(): Entry[] {
    const all = [...this.#entries.values()].flat()
    return all.filter(({ isChanged, isNew }) => isChanged && !isNew)
  }

  /** Where refs have moved to; '': they are gone. */
  get moved(): PlacedHead[] {
    return [...this.#moved.values()]
  }

  #add(entry: Entry): void {
    const list = this.#entries.get(entry.commitKey) ?? []
    if (list.some(({ event }) => event.id === entry.event.id)) return
    list.push(entry)
    this.#entries.set(entry.commitKey, list)
    const { gapKey } = entry
    if (gapKey !== null) this.#open.set(gapKey, [...(this.#open.get(gapKey) ?? []), entry])
  }

  accept(telling: Telling): AcceptedEvent {
    const { repositoryId, ref, sha, before } = telling
    const at = refKey(repositoryId, ref)
    const commitKey = keyOf(telling)
    const known = this.#entries.get(commitKey) ?? []
    const beforeKey = before === undefined ? undefined : keyAt(telling, before)
    const match = matchTelling(telling, {
      position: this.#positions.get(at) ?? NOWHERE,
      known,
      knowsBefore: beforeKey !== undefined && this.#entries.has(beforeKey),
      hasGap: this.#gaps(commitKey).length > 0,
      hasSpan: beforeKey !== undefined && this.#spans(beforeKey).length > 0,
    })
    const { found: _, ...told } = telling
    if (match.kind === 'unsure') return { event: told, created: false, unsure: match.likely }
    if (match.kind !== 'new') return this.#acceptKnown(telling, match, known)
    const { stamp: __, before: ___, ...vague } = told
    const certain = match.isVague ? vague : told
    const event = match.isLate
      ? { ...certain, details: { ...told.details, isLate: true as const } }
      : certain
    if (match.isLate) this.#lead(telling, { from: beforeKey, to: commitKey })
    const isSpan = telling.source === 'poll' && match.moves
    const gapKey = match.opensGap || isSpan ? this.#openKey(telling, beforeKey) : null
    const fresh = { isNew: true, isChanged: false, isToReplan: false }
    this.#add({ event, commitKey, gapKey, ...fresh })
    if (match.moves) this.#move(at, { repositoryId, ref, sha, ...toldAt(telling) })
    return { event, created: true }
  }

  #acceptKnown(
    telling: Telling,
    match: Extract<Match, { readonly kind: 'same' | 'completes' }>,
    known: readonly Entry[],
  ): AcceptedEvent {
    const entry = known.find(({ event }) => event === match.event)
    if (!entry) throw new NarwhalError('internal', `${match.event.id} is not an event of its ref`)
    const isCompleted = match.kind === 'completes' && this.#complete(entry, telling)
    return { event: entry.event, created: false, ...(isCompleted ? { isCompleted } : {}) }
  }

  /** Whether it can't be said without asking the git server. */
  noteGone(telling: GoneTelling): boolean {
    const { repositoryId, ref } = telling
    const at = refKey(repositoryId, ref)
    const nowhere = keyAt(telling, '')
    const match = matchGone(telling, {
      position: this.#positions.get(at) ?? NOWHERE,
      hasGap: this.#gaps(nowhere).length > 0,
    })
    if (match === 'closesGap') this.#closeGaps(nowhere)
    if (match === 'gone') this.#move(at, { repositoryId, ref, sha: '' })
    return match === 'unsure'
  }

  #move(at: string, head: PlacedHead): void {
    const { sha, toldAt } = head
    this.#positions.set(at, { sha, ...present({ toldAt }) })
    this.#moved.set(at, head)
  }

  /** Moves that began at a commit to which nothing known leads. */
  #gaps(key: string): Entry[] {
    return this.#openAt(key).filter(({ event }) => event.source !== 'poll')
  }

  /** What polls saw as one move from a commit, and may have been several. */
  #spans(key: string): Entry[] {
    return this.#openAt(key).filter(({ event }) => event.source === 'poll')
  }

  #openAt(key: string): Entry[] {
    return (this.#open.get(key) ?? []).filter(({ gapKey }) => gapKey === key)
  }

  #closeGaps(key: string): void {
    for (const entry of this.#gaps(key)) this.#begin(entry, null)
  }

  /** A move that is told late leads to where a gap ends; what is left of a span begins where it ended. */
  #lead({ sha }: Telling, { from, to }: { from: string | undefined; to: string }): void {
    this.#closeGaps(to)
    for (const entry of from === undefined ? [] : this.#spans(from)) {
      entry.event = { ...entry.event, before: sha }
      this.#begin(entry, to)
    }
  }

  #begin(entry: Entry, gapKey: string | null): void {
    entry.gapKey = gapKey
    entry.isChanged = true
    if (gapKey !== null) this.#open.set(gapKey, [...(this.#open.get(gapKey) ?? []), entry])
  }

  /** Adds what the telling knows; returns whether its pipeline has to be planned again. */
  #complete(entry: Entry, telling: Telling): boolean {
    const { found: _, ...told } = telling
    const { before } = told
    const guess = entry.event.before
    const { event, decides } = completeEvent(entry.event, told)
    entry.event = event
    entry.isToReplan ||= decides
    const beforeKey = before === undefined || before === guess ? undefined : keyAt(telling, before)
    const isGap = beforeKey !== undefined && before !== '' && !this.#entries.has(beforeKey)
    this.#begin(entry, isGap ? this.#openKey(told, beforeKey) : null)
    return decides
  }

  /** One gap at a commit says it for all: else each would be read for every move that begins there. */
  #openKey({ source }: CommitEvent, key: string | undefined): string | null {
    if (key === undefined || (source !== 'poll' && this.#gaps(key).length > 0)) return null
    return key
  }
}

const NOWHERE: Position = { sha: '' }

function toldAt({ source, receivedAt }: Telling): { readonly toldAt?: number } {
  return source === 'webhook' ? { toldAt: receivedAt } : {}
}

/** The keys of the entries that a telling may be about. */
export function keysOf(telling: Telling | GoneTelling): string[] {
  if (!('sha' in telling)) return [keyAt(telling, '')]
  const { before } = telling
  return [keyOf(telling), ...(before === undefined ? [] : [keyAt(telling, before)])]
}

function keyOf(telling: Telling): string {
  return textKey(semanticKey(telling))
}

/** The key of the events of the same ref at another commit; of '' there is none. */
export function keyAt(
  { repositoryId, ref }: Pick<Telling, 'repositoryId' | 'ref'>,
  sha: string,
): string {
  return textKey(`${refKey(repositoryId, ref)} ${sha}`)
}
