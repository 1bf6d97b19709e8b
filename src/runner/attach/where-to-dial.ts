/** A dispatcher as listed. */
export interface DispatcherSeat {
  readonly id: string
  /** Its URL, if it has announced one. */
  readonly url?: string | undefined
}

export interface KnownDispatchers {
  /** Absent if they could not be listed. */
  readonly seats?: readonly DispatcherSeat[] | undefined
  /** The dispatchers to which the runner is attached. */
  readonly attached: readonly { readonly dispatcherId: string; readonly url: string }[]
  /** The configured URLs; each may be a load balancer's. */
  readonly given: readonly string[]
}

/** The dispatchers to which the runner is not attached. */
export function missingSeats({ seats = [], attached }: KnownDispatchers): DispatcherSeat[] {
  return seats.filter(({ id }) => !attached.some(({ dispatcherId }) => dispatcherId === id))
}

/**
 * The URLs at which missing dispatchers may be found: their own, and for those without one, the
 * configured URLs. If the dispatchers can't be listed, all configured URLs that are not attached.
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
