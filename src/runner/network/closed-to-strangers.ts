import { CLOSED, PRIVATE, rangeSet } from './ranges.ts'

/** What strangers' jobs can't reach, apart from the holes; for names that resolve to it. */
export function closedToStrangers(
  alsoPrivate: readonly string[],
  holes: readonly string[],
): (address: string) => boolean {
  const isClosed = rangeSet(CLOSED)
  const isPrivate = rangeSet([...PRIVATE, ...alsoPrivate])
  const isHole = new Set(holes)
  return (address) => isClosed(address) || (isPrivate(address) && !isHole.has(address))
}
