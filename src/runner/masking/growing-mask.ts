import { SecretMask } from './secret-mask.ts'

/** The limits of a group: preparing one takes a few milliseconds. */
export const MOST_TOGETHER = 8
const MOST_CHARACTERS = 1024

type Make = (values: Iterable<string>) => SecretMask | undefined

interface Group {
  readonly values: readonly string[]
  readonly characters: number
  /** When all of them have expired, of `performance.now()`. */
  readonly until: number
  readonly mask: SecretMask | undefined
}

/**
 * Values to mask that are added over time. One search for all would be the fastest, but each new value
 * would rebuild it, on the event loop of all jobs: so values are in groups, and a new one only rebuilds
 * the newest group.
 */
export class GrowingMask {
  readonly #make: Make
  #groups: readonly Group[] = []
  #masks: readonly SecretMask[] = []

  constructor(make: Make = (values) => SecretMask.of(values)) {
    this.#make = make
  }

  /** The same array while nothing has changed. */
  get masks(): readonly SecretMask[] {
    return this.#masks
  }

  /** Values that are added together are prepared together. */
  add(values: Iterable<string>, until = Number.POSITIVE_INFINITY): void {
    for (const some of groupsOf(values)) this.#put(some, until)
    this.#masks = this.#groups.flatMap(({ mask }) => mask ?? [])
  }

  /** Drops expired groups, and the oldest ones until at most `most` values are left. */
  forget(now: number, most: number): void {
    const before = this.#groups
    let left = before.filter(({ until }) => until > now)
    while (left.reduce((sum, { values }) => sum + values.length, 0) > most) left = left.slice(1)
    if (left.length === before.length) return
    this.#groups = left
    this.#masks = left.flatMap(({ mask }) => mask ?? [])
  }

  #put(added: readonly string[], until: number): void {
    const characters = lengthOf(added)
    const last = this.#groups.at(-1)
    const isFull =
      !last ||
      last.values.length + added.length > MOST_TOGETHER ||
      last.characters + characters > MOST_CHARACTERS
    const values = isFull ? added : [...last.values, ...added]
    const group: Group = {
      values,
      characters: isFull ? characters : characters + last.characters,
      until: isFull ? until : Math.max(until, last.until),
      mask: this.#make(values),
    }
    this.#groups = [...(isFull ? this.#groups : this.#groups.slice(0, -1)), group]
  }
}

function lengthOf(values: readonly string[]): number {
  return values.reduce((sum, { length }) => sum + length, 0)
}

function groupsOf(values: Iterable<string>): string[][] {
  const groups: string[][] = []
  for (const value of values) {
    const last = groups.at(-1)
    const isFull =
      !last || last.length === MOST_TOGETHER || lengthOf(last) + value.length > MOST_CHARACTERS
    if (isFull) groups.push([value])
    else last.push(value)
  }
  return groups
}
