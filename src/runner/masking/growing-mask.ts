import { SecretMask } from './secret-mask.ts'

/** So many values, of so many characters, are made ready together: what it takes is a few milliseconds. */
export const MOST_TOGETHER = 8
const MOST_CHARACTERS = 1024

type Make = (values: Iterable<string>) => SecretMask | undefined

interface Group {
  readonly values: readonly string[]
  readonly characters: number
  /** When none of them is of any use any more, as `performance.now()` counts. */
  readonly until: number
  readonly mask: SecretMask | undefined
}

/**
 * Values that must not be shown and come one after the other. To look for all at once would be cheapest for who
 * prints, but each new one would make all ready anew, on the event loop of all jobs: so they are in groups, and
 * a new one is put to the newest group alone.
 */
export class GrowingMask {
  readonly #make: Make
  #groups: readonly Group[] = []
  #masks: readonly SecretMask[] = []

  constructor(make: Make = (values) => SecretMask.of(values)) {
    this.#make = make
  }

  /** The same array as long as nothing has come or gone. */
  get masks(): readonly SecretMask[] {
    return this.#masks
  }

  /** Those that come together are made ready together. */
  add(values: Iterable<string>, until = Number.POSITIVE_INFINITY): void {
    for (const some of groupsOf(values)) this.#put(some, until)
    this.#masks = this.#groups.flatMap(({ mask }) => mask ?? [])
  }

  /** Forgets groups of which nothing is of use any more, and the oldest until so many values are left at the most. */
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
