/** A dispatcher as the list tells of it. */
export interface DispatcherSeat {
  readonly id: string
  /** Where it is reached, if it said so. */
  readonly url?: string | undefined
}

export interface KnownDispatchers {
  /** Absent: nobody could be asked. */
  readonly seats?: readonly DispatcherSeat[] | undefined
  /** Those that the runner is attached to. */
  readonly attached: readonly { readonly dispatcherId: string; readonly url: string }[]
  /** The URLs that the runner was started with; each may be a balancer's. */
  readonly given: readonly string[]
}

/** Those that are there and that the runner is not attached to. */
export function missingSeats({ seats = [], attached }: KnownDispatchers): DispatcherSeat[] {
  return seats.filter(({ id }) => !attached.some(({ dispatcherId }) => dispatcherId === id))
}

/**
 * The URLs behind which missing dispatchers may be found: their own, and for those that have told
 * none, the ones that were given. While nobody tells which there are, each given URL is worth a try.
 */
export function whereToDial(known: KnownDispatchers): string[] {
  const { seats, attached, given } = known
  if (!seats || seats.length === 0) {
    return given.filter((url) => !attached.some((one) => one.url === url))
  }
  const missing = missingSeats(known)
  const own = missing.flatMap(({ url }) => (url ? [url] : []))
  const isBlind = missing.some(({ url }) => !url)
  return [...new Set([...own, ...(isBlind ? given : [])])]
}
