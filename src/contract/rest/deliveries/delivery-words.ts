import type { DeliveryView } from './rest-deliveries.ts'

const RESULTS: { readonly [Result in DeliveryView['result']]: string } = {
  accepted: 'new commit',
  known: 'known commit',
  ignored: 'ignored',
  resolving: 'looking up',
  unresolved: 'not found',
  refused: 'refused',
}

/** What a delivery was about: `pull_request opened`. */
export function deliverySubject({ event, action }: DeliveryView): string {
  return [event ?? 'unknown', action].filter((word) => word !== undefined).join(' ')
}

/** What was done with it: `new commit`, `refused 3 times`. */
export function deliveryResult({ result, refused }: DeliveryView): string {
  const times = refused && refused.count > 1 ? ` ${refused.count} times` : ''
  return `${RESULTS[result]}${times}`
}
