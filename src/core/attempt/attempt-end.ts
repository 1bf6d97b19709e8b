/** How the conversation about an attempt ended. */
export type AttemptEnd =
  /** All its events are stored. */
  | { readonly kind: 'reported' }
  /** The runner did not take it; no step of it has run there, and none will. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The runner's lease is over, or it says itself that it does not have the attempt. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** The runner did not end it in time. */
  | { readonly kind: 'overdue'; readonly reason: string }
  /** The dispatcher stops, or the pipeline is another's; the attempt goes on. */
  | { readonly kind: 'stopped' }
